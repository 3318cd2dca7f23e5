/** Finding Gemini CLI on this machine, and whether it is signed in. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, it } from 'vitest'
import type { DetectIo } from '../../../core/plugin/contract/index.ts'
import { detect } from '../../../plugins/gemini-cli/detect.ts'
import { agentProbe, agentProgram } from '../../helpers/agent-programs.ts'
import { AGENT_PACKAGES } from '../../helpers/agent-versions.ts'
import { requires } from '../../helpers/requirement.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

const { version } = AGENT_PACKAGES['gemini-cli']
const describeWithGemini = await requires('Gemini CLI', agentProbe('gemini-cli'))

/** Real programs in an empty home. */
const io = (home: string, program: string, secrets: readonly string[] = []): DetectIo => ({
  settings: { program, args: [] },
  find: (name) => Promise.resolve(existsSync(name) ? name : undefined),
  run: (name, args) => {
    const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: home, TMPDIR: home }
    const { status, stdout, stderr } = spawnSync(name, [...args], { env, encoding: 'utf8', timeout: 60_000 })
    return Promise.resolve({ code: status, stdout, stderr })
  },
  hasSecret: (name) => Promise.resolve(secrets.includes(name)),
  fileExists: (path) => Promise.resolve(existsSync(path.replace('~', home))),
})

describeWithGemini('detecting Gemini CLI', () => {
  it('finds its version, and says how to sign in when no credential is seen', async () => {
    using home = makeTemporaryFolder()
    const program = await agentProgram('gemini-cli')
    const hint = expect.stringContaining('set GEMINI_API_KEY in the environment of Troupe')
    expect(await detect(io(home.path, program))).toEqual({
      installed: true,
      program,
      version,
      signedIn: 'unknown',
      hint,
    })
  })

  it('takes a secret of the user, or the file of a sign-in, for a credential', async () => {
    using home = makeTemporaryFolder()
    const program = await agentProgram('gemini-cli')
    const signedIn = { installed: true, program, version, signedIn: 'yes' }
    expect(await detect(io(home.path, program, ['GEMINI_API_KEY']))).toEqual(signedIn)
    mkdirSync(join(home.path, '.gemini'), { recursive: true })
    writeFileSync(join(home.path, '.gemini/oauth_creds.json'), '{}')
    expect(await detect(io(home.path, program))).toEqual(signedIn)
  })

  it('says how to install it when it is missing, or cannot be run', async () => {
    using home = makeTemporaryFolder()
    const hint = expect.stringContaining('npm install -g @google/gemini-cli')
    expect(await detect(io(home.path, '/nowhere/gemini'))).toEqual({ installed: false, signedIn: 'unknown', hint })
    expect(await detect(io(home.path, '/bin/false'))).toMatchObject({ installed: false, program: '/bin/false', hint })
  })
})
