/** Finding OpenCode on this machine. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { DetectIo } from '../../../core/plugin/contract/index.ts'
import { detect } from '../../../plugins/opencode/detect.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { AGENT_PACKAGES } from '../../helpers/agent-versions.ts'
import { requires } from '../../helpers/requirement.ts'
import { makeOpenCodeHome } from './opencode.ts'

const describeWithOpenCode = await requires('OpenCode', agentProbe('opencode'))

const io = (env: Readonly<Record<string, string>>, program: string, secrets: readonly string[] = []): DetectIo => ({
  settings: { program, args: [] },
  find: (name) => Promise.resolve(existsSync(name) ? name : undefined),
  run: (name, args) => {
    const { status, stdout, stderr } = spawnSync(name, [...args], {
      env: { ...env },
      encoding: 'utf8',
      timeout: 60_000,
    })
    return Promise.resolve({ code: status, stdout, stderr })
  },
  hasSecret: (name) => Promise.resolve(secrets.includes(name)),
  fileExists: (path) => Promise.resolve(existsSync(path.replace('~', env['HOME'] ?? ''))),
})

describeWithOpenCode('detecting OpenCode', () => {
  it('finds its version and models, takes a secret of the user for a credential, and says what is missing', async () => {
    await using home = await makeOpenCodeHome({ script: [] })
    const program = home.toDo.settings.program ?? ''
    const { version } = AGENT_PACKAGES.opencode
    const found = await detect(io(home.env, program))
    expect(found).toMatchObject({ installed: true, program, version, signedIn: 'unknown' })
    expect(found.hint).toContain('opencode auth login')
    expect(found.models).toEqual(expect.arrayContaining(['test/scripted', 'test/other']))
    expect(await detect(io(home.env, program, ['ANTHROPIC_API_KEY']))).toMatchObject({ signedIn: 'yes' })
    const install = { installed: false, hint: expect.stringContaining('npm install -g opencode-ai') }
    expect(await detect(io(home.env, '/nowhere/opencode'))).toMatchObject(install)
    expect(await detect(io(home.env, '/bin/false'))).toMatchObject(install)
  })
})
