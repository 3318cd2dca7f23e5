import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { repositoryRoot } from '../../helpers/repository-files.ts'
import { runProgram } from '../../helpers/run-program.ts'
import type { ProgramRun } from '../../helpers/run-program.ts'
import { makeTemporaryFolder } from '../../helpers/temporary-folder.ts'
import type { TemporaryFolder } from '../../helpers/temporary-folder.ts'

/** Makes the launcher believe that an older Node reads it; flags do not reach the process that it starts. */
const OLD_NODE =
  '--import=data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.0.0"}})'

/** Stands where the program stands in a clone. */
const PROGRAM = `
  const [what, ...rest] = process.argv.slice(2)
  const signals = []
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'])
    if (what === 'wait') process.on(name, () => { console.log('got ' + name); if (rest[0] === name) process.exit(9) })
  if (what === 'exit') process.exit(Number(rest[0]))
  if (what === 'arguments') console.log(JSON.stringify(rest))
  if (what === 'die') process.kill(process.pid, rest[0])
  if (what === 'wait' || what === 'die') { setInterval(() => {}, 1000); console.log('ready ' + process.pid) }
`

let folder: TemporaryFolder
let launcher: string

beforeEach(() => {
  folder = makeTemporaryFolder()
  const cli = join(folder.path, 'hosts', 'cli')
  mkdirSync(cli, { recursive: true })
  for (const name of ['troupe.js', 'runtime.js']) cpSync(join(repositoryRoot, 'hosts', 'cli', name), join(cli, name))
  writeFileSync(join(folder.path, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(cli, 'main.ts'), PROGRAM)
  launcher = join(cli, 'troupe.js')
})
afterEach(() => folder[Symbol.dispose]())

const options = () => ({ cwd: folder.path, env: { HOME: folder.path } })
const installNode = () => symlinkSync(join(repositoryRoot, 'node_modules'), join(folder.path, 'node_modules'))
const launch = (...args: string[]): Promise<ProgramRun> =>
  runProgram(process.execPath, [OLD_NODE, launcher, ...args], options())

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

interface Running {
  readonly process: ChildProcess
  readonly pid: number
  output(): string
}

/** A program behind a launcher, both ready. */
async function launchAndWait(...args: string[]): Promise<Running> {
  const child = spawn(process.execPath, [OLD_NODE, launcher, 'wait', ...args], { ...options(), stdio: 'pipe' })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  const pid = await vi.waitUntil(() => Number(/ready (\d+)/.exec(output)?.[1]) || undefined, { timeout: 60_000 })
  return { process: child, pid, output: () => output }
}

describe('the program `troupe` on a Node that is too old', () => {
  it('passes arguments as they are', async () => {
    installNode()
    const hard = ['--json', '', 'two words', '-x', "it's", '$HOME']
    expect(JSON.parse((await launch('arguments', ...hard)).stdout)).toEqual(hard)
  })

  it('ends with the code of the program', async () => {
    installNode()
    expect(await launch('exit', '3')).toMatchObject({ code: 3, signal: null, stderr: '' })
  })

  it('ends by the signal that ended the program', async () => {
    installNode()
    expect(await launch('die', 'SIGKILL')).toMatchObject({ code: null, signal: 'SIGKILL' })
    expect(await launch('die', 'SIGTERM')).toMatchObject({ code: null, signal: 'SIGTERM' })
  })

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('passes %s on, once', async (signal) => {
    installNode()
    const running = await launchAndWait(signal)
    running.process.kill(signal)
    expect(await once(running.process, 'close')).toEqual([9, null])
    expect(running.output().match(/got/g)).toHaveLength(1)
  })

  it('takes the program along when it is killed', async () => {
    installNode()
    const running = await launchAndWait('SIGTERM')
    running.process.kill('SIGKILL')
    await expect.poll(() => isAlive(running.pid)).toBe(false)
    await expect.poll(() => running.output()).toContain('got SIGTERM')
  })

  it('says what to do when no newer one is installed', async () => {
    const run = await launch('exit', '0')
    expect(run).toMatchObject({ code: 1, stdout: '' })
    expect(run.stderr).toMatch(/^troupe: Troupe needs Node 24 or newer, and this is Node 20\.0\.0\. .*install/)
  })
})

describe('the program `troupe` on a Node that is recent enough', () => {
  it('runs in the same process, without another Node', async () => {
    const run = await runProgram(process.execPath, [launcher, 'exit', '4'], options())
    expect(run).toMatchObject({ code: 4, stderr: '' })
  })
})
