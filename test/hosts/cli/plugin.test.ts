import { appendFileSync, cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repositoryRoot } from '../../helpers/repository-files.ts'
import { openTroupe } from '../../helpers/troupe.ts'

test('a plugin is installed, agreed to, listed and removed from the command line', async () => {
  await using troupe = await openTroupe()
  cpSync(join(repositoryRoot, 'fixtures/plugins/echo-agent'), join(troupe.lab.folder, 'echo'), { recursive: true })
  const run = (...args: string[]) => troupe.run(['plugin', ...args], { cwd: troupe.lab.folder })

  const asked = await run('add', './echo')
  expect(asked.code).toBe(3)
  expect(asked.stdout).toContain('fixture-echo-agent 1.0.0 wants')
  expect(asked.stdout).toContain('To agree: troupe plugin enable fixture-echo-agent')
  expect((await run('ls')).stdout).toMatch(
    /fixture-echo-agent +1\.0\.0 +installed +process +\? unconfirmed +echo-agent/,
  )

  const agreed = await run('enable', 'fixture-echo-agent', '--yes', '--json')
  expect(agreed.code).toBe(0)
  expect(JSON.parse(agreed.stdout)).toMatchObject({ plugin: { status: 'ready', agents: ['echo-agent'] } })

  const same = await run('update', 'fixture-echo-agent')
  expect([same.code, same.stdout]).toEqual([
    0,
    expect.stringMatching(/^fixture-echo-agent 1\.0\.0 is the newest already \(from .*echo\)\.\n$/),
  ])
  appendFileSync(join(troupe.lab.folder, 'echo/index.js'), '\n')
  expect((await run('update', 'fixture-echo-agent')).stdout).toMatch(/fixture-echo-agent +1\.0\.0 +.*✓ ready/)

  const manifest = join(troupe.lab.folder, 'echo/package.json')
  const json = readFileSync(manifest, 'utf8')
  writeFileSync(
    manifest,
    json.replace('"1.0.0"', '"1.1.0"').replace('"troupe": {', '"troupe": { "network": ["a.example"],'),
  )
  const waits = await run('update', 'fixture-echo-agent')
  expect(waits.code).toBe(3)
  expect(waits.stdout).toMatch(
    /1\.1\.0 wants\n[^]*network +a\.example \(new\)\n[^]*1\.0\.0 stays in use\. To agree: troupe plugin enable/,
  )

  expect((await run('disable', 'fixture-echo-agent')).stdout).toContain('- disabled')
  const { path } = await troupe.lab.repository()
  expect(await troupe.run(['run', 'x', '--agent', 'echo-agent', '--repo', path])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/ is disabled: troupe plugin enable fixture-echo-agent \[AGENT_NOT_FOUND\]/),
  })

  expect((await run('rm', 'fixture-echo-agent')).stdout).toBe('fixture-echo-agent is removed.\n')
  expect(readdirSync(join(troupe.home, 'plugins'))).toEqual([])
  expect(await run('add', './nowhere')).toMatchObject({ code: 1, stderr: expect.stringContaining('[PLUGIN_SOURCE]') })
})
