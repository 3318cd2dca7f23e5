/** What plugins may look at on this machine to find their agents. */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import type { DetectIo } from './contract/io.ts'

/** What the host does for `DetectIo`; the settings come from the configuration. */
export type DetectHost = Omit<DetectIo, 'settings'>

export interface DetectOptions {
  /** The whole environment of the programs that are run; PATH and HOME are looked up in it. */
  readonly env: Readonly<Record<string, string>>
  readonly hasSecret: (name: string) => Promise<boolean>
  readonly runMs?: number
}

const RUN_MS = 10_000
const OUTPUT_BYTES = 1024 * 1024

export function makeDetectHost({ env, hasSecret, runMs = RUN_MS }: DetectOptions): DetectHost {
  const home = env['HOME'] ?? env['USERPROFILE'] ?? '/'
  return {
    find: (program) => findProgram(program, env['PATH'] ?? '', home),
    run: (program, args) => runProgram({ program, args, env, cwd: home, ms: runMs }),
    hasSecret,
    fileExists: async (path) => (await stat(expandHome(path, home)).catch(() => undefined)) !== undefined,
  }
}

const expandHome = (path: string, home: string): string => (path.startsWith('~/') ? join(home, path.slice(2)) : path)

async function findProgram(program: string, path: string, home: string): Promise<string | undefined> {
  const named = expandHome(program, home)
  if (named.includes('/')) return (await canRun(named)) ? resolve(named) : undefined
  for (const folder of path.split(delimiter)) {
    // An empty or relative entry means the current folder, which on a host is anybody's.
    if (isAbsolute(folder) && (await canRun(join(folder, program)))) return join(folder, program)
  }
  return undefined
}

async function canRun(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined)
  if (!facts?.isFile()) return false
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

interface ProgramRun {
  readonly program: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly ms: number
}

/** Ends the program, with what it started, when it runs or prints for too long. A program that cannot be started has no code. */
function runProgram({ program, args, env, cwd, ms }: ProgramRun): ReturnType<DetectHost['run']> {
  return new Promise((settle) => {
    const child = spawn(program, [...args], { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    const timer = setTimeout(() => endGroup(child), ms)
    const stdout = collect(child, child.stdout)
    const stderr = collect(child, child.stderr)
    const finish = (code: number | null) => {
      clearTimeout(timer)
      endGroup(child)
      settle({ code, stdout: stdout(), stderr: stderr() })
    }
    child.once('error', () => finish(null))
    // Not `close`: what the program left behind may hold its output open.
    child.once('exit', (code) => setImmediate(finish, code))
  })
}

function collect(child: ChildProcess, stream: NodeJS.ReadableStream): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= OUTPUT_BYTES) chunks.push(chunk)
    else endGroup(child)
  })
  return () => Buffer.concat(chunks).toString('utf8')
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
