/** Finding Claude Code on this machine, and whether it is signed in. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { DetectIo } from '../../../core/plugin/contract/index.ts'
import { detect } from '../../../plugins/claude-code/detect.ts'
import { claudeCode, claudeCodeProbe } from '../../helpers/agent-programs.ts'
import { AGENT_PACKAGES } from '../../helpers/agent-versions.ts'
import { requires } from '../../helpers/requirement.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'

const describeWithClaude = await requires('Claude Code', claudeCodeProbe)

/** Real programs in an empty home. */
const io = (home: string, program: string, secrets: readonly string[] = []): DetectIo => ({
  settings: { program, args: [] },
  find: (name) => Promise.resolve(existsSync(name) ? name : undefined),
  run: (name, args) => {
    const env = { PATH: '/usr/bin:/bin', HOME: home, CLAUDE_CONFIG_DIR: join(home, '.claude'), TMPDIR: home }
    const { status, stdout, stderr } = spawnSync(name, [...args], { env, encoding: 'utf8', timeout: 60_000 })
    return Promise.resolve({ code: status, stdout, stderr })
  },
  hasSecret: (name) => Promise.resolve(secrets.includes(name)),
  fileExists: (path) => Promise.resolve(existsSync(path.replace('~', home))),
})

describeWithClaude('detecting Claude Code', () => {
  const { version } = AGENT_PACKAGES['claude-code']

  it('finds its version, and says how to sign in when nobody has', async () => {
    using home = makeTemporaryFolder()
    const program = await claudeCode()
    expect(await detect(io(home.path, program))).toEqual({
      installed: true,
      program,
      version,
      signedIn: 'no',
      hint: expect.stringContaining('in the environment of Troupe'),
    })
  })

  it('takes a secret of the user for a credential', async () => {
    using home = makeTemporaryFolder()
    const program = await claudeCode()
    const found = await detect(io(home.path, program, ['ANTHROPIC_API_KEY']))
    expect(found).toEqual({ installed: true, program, version, signedIn: 'yes' })
  })

  it('says how to install it when it is missing, or cannot be run', async () => {
    using home = makeTemporaryFolder()
    const hint = expect.stringContaining('npm install -g @anthropic-ai/claude-code')
    expect(await detect(io(home.path, '/nowhere/claude'))).toEqual({ installed: false, signedIn: 'unknown', hint })
    expect(await detect(io(home.path, '/bin/false'))).toMatchObject({ installed: false, program: '/bin/false', hint })
  })
})
