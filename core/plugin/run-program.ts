/** Runs a program to its end, bounded, and leaves nothing of it. */
import { type ChildProcess, spawn } from 'node:child_process'

const OUTPUT_BYTES = 1024 * 1024
const LAST_OUTPUT_MS = 1000

export interface ProgramRun {
  readonly program: string
  readonly args: readonly string[]
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly ms: number
  /** Ends it. */
  readonly signal?: AbortSignal
}

export interface ProgramResult {
  /** Null when it was ended, or could not be started. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** It ran for longer than it may. */
  readonly late: boolean
}

/** Ends the program, with what it started, when it runs or prints for too long. */
export function runProgram({ program, args, env, cwd, ms, signal }: ProgramRun): Promise<ProgramResult> {
  return new Promise((settle) => {
    if (signal?.aborted) return settle({ code: null, stdout: '', stderr: '', late: false })
    const child = spawn(program, [...args], { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let late = false
    const end = () => endGroup(child)
    const timer = setTimeout(() => {
      late = true
      end()
    }, ms)
    signal?.addEventListener('abort', end, { once: true })
    const stdout = collect(child, child.stdout)
    const stderr = collect(child, child.stderr)
    const finish = (code: number | null) => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      end()
      settle({ code, stdout: stdout(), stderr: stderr(), late })
    }
    child.once('error', () => finish(null))
    child.once('exit', (code) => {
      end()
      // Its last words may still be on their way; and what has left its group may hold its output open for ever.
      const bound = setTimeout(finish, LAST_OUTPUT_MS, code)
      child.once('close', () => {
        clearTimeout(bound)
        finish(code)
      })
    })
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
