/**
 * One child process from start to end, bounded in time and in output.
 *
 * Owns the process and its process group.
 * P1  The promise settles only when the process has ended and its pipes are closed.
 * P2  The process leads its own group; abort, timeout and too much output kill the whole group.
 * P3  No more than `maxOutputBytes` of its standard output and `STDERR_BYTES` of its errors are held.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { constants, setPriority } from 'node:os'
import { finished } from 'node:stream/promises'

/** Enough for the words of an error; the end is kept, because programs say last what went wrong. */
const STDERR_BYTES = 16 * 1024

export interface ProcessRequest {
  readonly program: string
  readonly args: readonly string[]
  readonly cwd: string
  /** The whole environment: nothing is inherited. */
  readonly env: Readonly<Record<string, string>>
  readonly timeoutMs: number
  readonly maxOutputBytes: number
  readonly shell?: boolean
  readonly input?: string | Uint8Array
  /** Nobody waits for it: it yields to everything else on the machine. */
  readonly background?: boolean | undefined
  readonly signal?: AbortSignal | undefined
  /** Receives standard output instead of `stdout` of the result; then `maxOutputBytes` does not count. */
  readonly onOutput?: ((chunk: Buffer) => void) | undefined
}

export type ProcessEnd =
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'signalled'; readonly signal: string }
  | { readonly kind: 'stopped'; readonly why: 'aborted' | 'timeout' | 'output' }
  /** The program, or the folder to start it in, is not there or may not be used. */
  | { readonly kind: 'unstartable'; readonly error: NodeJS.ErrnoException }

export interface ProcessResult {
  readonly end: ProcessEnd
  readonly stdout: Buffer
  /** The last 16 KiB. */
  readonly stderr: string
}

type StopReason = Extract<ProcessEnd, { kind: 'stopped' }>['why']

/** Never rejects: how the process ended is a value. */
export async function runProcess(request: ProcessRequest): Promise<ProcessResult> {
  if (request.signal?.aborted) return ended({ kind: 'stopped', why: 'aborted' })
  const child = spawn(request.program, request.args, {
    cwd: request.cwd,
    env: request.env,
    shell: request.shell ?? false,
    detached: true,
    windowsHide: true,
    stdio: 'pipe',
  })
  if (request.background) yieldToOthers(child)
  let stopped: StopReason | undefined
  const stop = (why: StopReason): void => {
    stopped ??= why
    // After its exit the group was ended already, and its number may belong to others by now.
    if (child.exitCode === null && child.signalCode === null) killGroup(child)
  }
  const stdout = collectOutput(child, request, () => stop('output'))
  const stderr = collectTail(child)
  const onAbort = (): void => stop('aborted')
  const timer = setTimeout(() => stop('timeout'), request.timeoutMs)
  request.signal?.addEventListener('abort', onAbort, { once: true })
  try {
    feed(child, request.input)
    const end = await closed(child)
    return { end: stopped ? { kind: 'stopped', why: stopped } : end, stdout: stdout(), stderr: stderr() }
  } finally {
    clearTimeout(timer)
    request.signal?.removeEventListener('abort', onAbort)
  }
}

function yieldToOthers({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_LOW)
  } catch {
    // It has ended already, or the system does not let us: it runs as any other.
  }
}

const ended = (end: ProcessEnd): ProcessResult => ({ end, stdout: Buffer.alloc(0), stderr: '' })

function closed(child: ChildProcess): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ kind: 'unstartable', error }))
    child.once('close', (code, signal) =>
      resolve(code === null ? { kind: 'signalled', signal: signal ?? 'unknown' } : { kind: 'exited', code }),
    )
    // A descendant may hold the pipes open for ever; when the leader is gone, its group goes too. // P1 P2
    child.once('exit', () => killGroup(child))
  })
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill('SIGKILL')
    else process.kill(-child.pid, 'SIGKILL')
  } catch {
    // ESRCH: the group is gone, which is what was wanted.
  }
}

function collectOutput(child: ChildProcess, request: ProcessRequest, overflow: () => void): () => Buffer {
  const chunks: Buffer[] = []
  let bytes = 0
  child.stdout?.on('data', (chunk: Buffer) => {
    if (request.onOutput) return request.onOutput(chunk)
    bytes += chunk.length
    if (bytes > request.maxOutputBytes) return overflow() // P3
    chunks.push(chunk)
  })
  return () => Buffer.concat(chunks)
}

function collectTail(child: ChildProcess): () => string {
  let tail = Buffer.alloc(0)
  child.stderr?.on('data', (chunk: Buffer) => {
    tail = Buffer.concat([tail, chunk]).subarray(-STDERR_BYTES) // P3
  })
  return () => tail.toString('utf8')
}

function feed(child: ChildProcess, input: string | Uint8Array | undefined): void {
  if (!child.stdin) return
  // A process that ends without reading its input is not an error of ours: its exit code speaks.
  finished(child.stdin).catch(() => {})
  child.stdin.end(input)
}
