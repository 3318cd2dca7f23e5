import { cpSync, readdirSync } from 'node:fs'
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
  expect((await run('ls')).stdout).toMatch(/fixture-echo-agent +1\.0\.0 +installed +\? unconfirmed +echo-agent/)

  const agreed = await run('enable', 'fixture-echo-agent', '--yes', '--json')
  expect(agreed.code).toBe(0)
  expect(JSON.parse(agreed.stdout)).toMatchObject({ plugin: { status: 'ready', agents: ['echo-agent'] } })
  expect((await run('rm', 'fixture-echo-agent')).stdout).toBe('fixture-echo-agent is removed.\n')
  expect(readdirSync(join(troupe.home, 'plugins'))).toEqual([])
  expect(await run('add', './nowhere')).toMatchObject({ code: 1, stderr: expect.stringContaining('[PLUGIN_SOURCE]') })
})
