/** Finding Aider on this machine. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import type { DetectIo } from '../../../core/plugin/contract/index.ts'
import { detect } from '../../../plugins/aider/detect.ts'
import { agentProbe, agentProgram } from '../../helpers/agent-programs.ts'
import { AGENT_PACKAGES } from '../../helpers/agent-versions.ts'
import { requires } from '../../helpers/requirement.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

const describeWithAider = await requires('Aider', agentProbe('aider'))

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

describeWithAider('detecting Aider', () => {
  it('finds its version, takes a secret of the user for a credential, and says what is missing', async () => {
    using home = makeTemporaryFolder()
    const program = await agentProgram('aider')
    const { version } = AGENT_PACKAGES.aider
    const hint = expect.stringContaining('in the environment of Troupe')
    expect(await detect(io(home.path, program))).toEqual({
      installed: true,
      program,
      version,
      signedIn: 'unknown',
      hint,
    })
    const install = { installed: false, hint: expect.stringContaining('pipx install aider-chat') }
    expect(await detect(io(home.path, '/nowhere/aider'))).toMatchObject(install)
    expect(await detect(io(home.path, '/bin/false', ['OPENAI_API_KEY']))).toMatchObject(install)
  })
})
