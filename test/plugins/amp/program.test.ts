/** What the real Amp does before its service is needed: its detection, its failures, and what it runs of a repository. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { DetectIo } from '../../../core/plugin/contract/index.ts'
import { detect } from '../../../plugins/amp/detect.ts'
import { agentProbe, agentProgram } from '../../helpers/agent-programs.ts'
import { AGENT_PACKAGES } from '../../helpers/agent-versions.ts'
import { requires } from '../../helpers/requirement.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'
import { type AmpOptions, ofType, startAmp } from './amp.ts'

const describeWithAmp = await requires('Amp', agentProbe('amp'))
/** A port where nothing listens. */
const NO_SERVICE = { AMP_URL: 'http://127.0.0.1:9' }

const startReal = async (options: AmpOptions) =>
  startAmp({ ...options, program: await agentProgram('amp'), env: { ...NO_SERVICE, ...options.env } })

const io = (home: string, program: string, secrets: readonly string[] = []): DetectIo => ({
  settings: { program, args: [] },
  find: (name) => Promise.resolve(existsSync(name) ? name : undefined),
  run: (name, args) => {
    const env = { PATH: '/usr/bin:/bin', HOME: home, ...NO_SERVICE }
    const { status, stdout, stderr } = spawnSync(name, [...args], { env, encoding: 'utf8', timeout: 60_000 })
    return Promise.resolve({ code: status, stdout, stderr })
  },
  hasSecret: (name) => Promise.resolve(secrets.includes(name)),
  fileExists: (path) => Promise.resolve(existsSync(path.replace('~', home))),
})

describeWithAmp('detecting Amp', () => {
  const { version } = AGENT_PACKAGES.amp
  const models = ['low', 'medium', 'high', 'ultra']

  it('finds its version, and says how to sign in when nobody has', async () => {
    using home = makeTemporaryFolder()
    const program = await agentProgram('amp')
    const hint = expect.stringContaining('set AMP_API_KEY in the environment of Troupe')
    expect(await detect(io(home.path, program))).toEqual({
      installed: true,
      program,
      version,
      models,
      signedIn: 'no',
      hint,
    })
  })

  it('takes a secret of the user, or the file of a sign-in, for a credential', async () => {
    using home = makeTemporaryFolder()
    const program = await agentProgram('amp')
    const signedIn = { installed: true, program, version, models, signedIn: 'yes' }
    expect(await detect(io(home.path, program, ['AMP_API_KEY']))).toEqual(signedIn)
    mkdirSync(join(home.path, '.local/share/amp'), { recursive: true })
    writeFileSync(join(home.path, '.local/share/amp/secrets.json'), '{}')
    expect(await detect(io(home.path, program))).toEqual(signedIn)
  })

  it('says how to install it when it is missing, or cannot be run', async () => {
    using home = makeTemporaryFolder()
    const hint = expect.stringContaining('npm install -g @ampcode/cli')
    expect(await detect(io(home.path, '/nowhere/amp'))).toEqual({ installed: false, signedIn: 'unknown', hint })
    expect(await detect(io(home.path, '/bin/false'))).toMatchObject({ installed: false, program: '/bin/false', hint })
  })
})

describeWithAmp('the real Amp', () => {
  it('without a credential is ended, and its address to sign in at is not logged', async () => {
    await using amp = await startReal({ env: { AMP_API_KEY: '' } })
    expect(await amp.end).toMatchObject({
      code: 'AGENT_NOT_SIGNED_IN',
      message: expect.stringContaining('set AMP_API_KEY in the environment of Troupe'),
    })
    expect(JSON.stringify(amp.session.messages)).not.toContain('authToken')
  })

  it('that does not reach its service says so, and takes the options that it is given', async () => {
    const questionServer = { name: 'troupe', command: 'true', args: [], env: {} }
    await using amp = await startReal({ session: { questionServer, model: 'low' } })
    expect(await amp.end).toMatchObject({
      code: 'AGENT_API',
      retryable: true,
      message: expect.stringContaining('connect'),
    })
    expect(readdirSync(amp.workDir)).toEqual([])
  })

  it('that does not know an option of the settings ends with what it printed', async () => {
    await using amp = await startReal({ args: ['--nonsense'] })
    expect(await amp.end).toMatchObject({ code: 'AGENT_EXITED', message: expect.stringContaining('--nonsense') })
  })

  it('that is not installed is named, with how to install it', async () => {
    await using amp = startAmp({ program: '/nowhere/amp' })
    expect(await amp.end).toMatchObject({
      code: 'AGENT_NOT_INSTALLED',
      message: expect.stringMatching(/nowhere\/amp.*npm install -g @ampcode\/cli/),
    })
  })
})

describeWithAmp('a repository with code for Amp', () => {
  const files = (home: string) => ({
    'project/.amp/plugins/planted.ts': `import { writeFileSync } from 'node:fs'
writeFileSync(${JSON.stringify(join(home, 'ran plugin'))}, '')
export default function () {}
`,
  })
  const ran = ({ folder }: { folder: string }) => existsSync(join(folder, 'ran plugin'))

  it('runs nothing before a person has allowed it, and is refused when that person does not', async () => {
    await using amp = await startReal({ files, answer: () => 'Do not run it' })
    expect(await amp.end).toMatchObject({ code: 'AGENT_FAILED', message: expect.stringContaining('.amp') })
    expect(amp.session.asked).toMatchObject([{ kind: 'permission', question: expect.stringContaining('.amp') }])
    expect(amp.session.commands).toEqual([])
    expect(ran(amp)).toBe(false)
  })

  it('runs it once a person has allowed it, or the settings say so', async () => {
    await using asked = await startReal({ files, answer: () => 'Run it' })
    expect(await asked.end).toMatchObject({ code: 'AGENT_API' })
    expect(ran(asked)).toBe(true)
    await using trusted = await startReal({ files, args: ['--trust-repositories'] })
    expect(await trusted.end).toMatchObject({ code: 'AGENT_API' })
    expect(ran(trusted)).toBe(true)
    expect(trusted.session.asked).toEqual([])
  })

  it('that asks when the session stops is not waited for', async () => {
    await using amp = await startReal({ files })
    amp.session.stop()
    expect(await amp.end).toEqual({ kind: 'stopped' })
    expect(ofType(amp, 'start')).toEqual([])
  })
})
