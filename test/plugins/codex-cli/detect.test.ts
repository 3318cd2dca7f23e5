/** Finding Codex on this machine, and whether somebody is signed in. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { DetectIo } from '../../../core/plugin/contract/index.ts'
import { detect } from '../../../plugins/codex-cli/detect.ts'
import { agentProbe, agentProgram } from '../../helpers/agent-programs.ts'
import { AGENT_PACKAGES } from '../../helpers/agent-versions.ts'
import { requires } from '../../helpers/requirement.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

const describeWithCodex = await requires('Codex CLI', agentProbe('codex-cli'))

/** Real programs in an empty home. */
const io = (home: string, program: string, secrets: readonly string[] = []): DetectIo => ({
  settings: { program, args: [] },
  find: (name) => Promise.resolve(existsSync(name) ? name : undefined),
  run: (name, args) => {
    const env = { PATH: '/usr/bin:/bin', HOME: home, TMPDIR: home }
    const { status, stdout, stderr } = spawnSync(name, [...args], { env, encoding: 'utf8', timeout: 60_000 })
    return Promise.resolve({ code: status, stdout, stderr })
  },
  hasSecret: (name) => Promise.resolve(secrets.includes(name)),
  fileExists: (path) => Promise.resolve(existsSync(path.replace('~', home))),
})

describeWithCodex('detecting Codex', () => {
  const { version } = AGENT_PACKAGES['codex-cli']
  const models = expect.arrayContaining(['gpt-5.5', 'gpt-6.1-sol'])

  it('finds its version and models, and says how to sign in when nobody has', async () => {
    using home = makeTemporaryFolder()
    const program = await agentProgram('codex-cli')
    const hint = expect.stringContaining('codex login')
    const found = await detect(io(home.path, program))
    expect(found).toEqual({ installed: true, program, version, signedIn: 'no', hint, models })
  })

  it('takes a secret of the user for a credential, and a login of its own', async () => {
    using home = makeTemporaryFolder()
    const program = await agentProgram('codex-cli')
    expect(await detect(io(home.path, program, ['CODEX_API_KEY']))).toMatchObject({ signedIn: 'yes' })
    mkdirSync(join(home.path, '.codex'))
    writeFileSync(join(home.path, '.codex/auth.json'), '{"auth_mode":"apikey","OPENAI_API_KEY":"sk-fake"}')
    expect(await detect(io(home.path, program))).toEqual({ installed: true, program, version, signedIn: 'yes', models })
  })

  it('says how to install it when it is missing, or cannot be run', async () => {
    using home = makeTemporaryFolder()
    const hint = expect.stringContaining('npm install -g @openai/codex')
    expect(await detect(io(home.path, '/nowhere/codex'))).toEqual({ installed: false, signedIn: 'unknown', hint })
    expect(await detect(io(home.path, '/bin/false'))).toMatchObject({ installed: false, program: '/bin/false', hint })
  })
})
