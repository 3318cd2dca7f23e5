/** Runs a program to its end, with an environment that is given and nothing else. */
import { spawn } from 'node:child_process'
import { delimiter } from 'node:path'

export interface ProgramRun {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface ProgramOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  /** Ends it by SIGKILL; default 2 minutes. */
  readonly timeoutMs?: number
}

export async function runProgram(
  program: string,
  args: readonly string[],
  { cwd, env, timeoutMs = 120_000 }: ProgramOptions,
): Promise<ProgramRun> {
  const child = spawn(program, args, {
    cwd,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: timeoutMs,
    killSignal: 'SIGKILL',
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text))
  const { promise, resolve, reject } = Promise.withResolvers<ProgramRun>()
  child.on('error', reject)
  child.on('close', (code, signal) => resolve({ code, signal, ...output }))
  return promise
}

/** @throws with all that it printed, if it does not end with 0. */
export async function runOrThrow(program: string, args: readonly string[], options: ProgramOptions): Promise<string> {
  const { code, signal, stdout, stderr } = await runProgram(program, args, options)
  if (code === 0) return stdout
  throw new Error(`${program} ${args.join(' ')} ended with ${signal ?? code}:\n${stdout}${stderr}`)
}

/** PATH as a user has it, without the Node that npm puts before it for our scripts. */
export const userPath = (): string =>
  (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => !/node_modules[/\\]\.bin|node-gyp-bin/.test(folder))
    .join(delimiter)
