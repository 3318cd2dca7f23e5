/**
 * A process for a plugin that is not trusted: Node's permission model, an environment without anything of the user's, and pipes.
 *
 * Owns the process and everything in its group.
 *
 * P1 It may read its own folder and the contract, and nothing else; it may write nowhere, start nothing, and use the network only if
 *    the user agreed to that. `restrict.ts` takes away what the permission model leaves.
 * P2 What arrives from it was made by a stranger: it is JSON of a bounded size with a bounded number of values, and its form is
 *    checked. What waits for an answer, and what it does not read, is bounded too.
 * P3 It does not outlive its host, also when both are stuck: a small shell beside it ends it when the host's end of a pipe closes.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:os'
import { dirname, extname, join } from 'node:path'
import { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { serialize } from 'node:v8'
import { fail } from '../base/errors.ts'
import type { Carrier, Isolation, ThreadOver } from './carrier.ts'
import { FrameReader, toFrame } from './frames.ts'
import type { MessageShapes } from './message-check.ts'
import type { Port } from './port.ts'
import { checked, wireMessage } from './requests.ts'
import { Unanswered } from './unanswered.ts'
import { parseUntrusted } from './untrusted-json.ts'

/** The largest thing that a plugin may say at once is what is left in its outbox. */
const MOST_FRAME_BYTES = 128 * 1024 * 1024
/** Of calls that wait for their answers: two of the largest. */
const MOST_UNANSWERED_BYTES = 2 * MOST_FRAME_BYTES
/** A process that calls and never reads its answers is ended: what it has asked for by then is less. */
const MOST_UNREAD_BYTES = 64 * 1024 * 1024
const STDERR_TAIL = 8 * 1024
const PASSED_ON = ['LANG', 'LC_ALL', 'TZ']

/**
 * Descriptors of the process: 3 brings what the host says, 4 takes what the plugin says, and 5 is the one that the shell watches.
 * The shell becomes Node, so that `$$` is the process; it leaves no memory dump on the disk.
 */
const SHELL = 'ulimit -c 0; (exec 3<&- 4>&-; read -r _ <&5; kill -9 $$) >/dev/null 2>&1 & exec "$@" 5<&-'

const core = dirname(import.meta.dirname)
const entry = fileURLToPath(new URL(`./process${extname(import.meta.url)}`, import.meta.url))

export interface ProcessOptions {
  readonly isolation: Isolation & { readonly kind: 'process' }
  readonly memoryMb: number
  readonly shapes: MessageShapes
  /** Hears what it prints. */
  readonly onPrinted: (stream: 'stdout' | 'stderr', text: string) => void
}

/** True when this Node can keep a process from the network; older ones cannot. */
export const restrictsNetwork = (): boolean => process.allowedNodeEnvironmentFlags.has('--allow-net')

export function startProcess(options: ProcessOptions): Carrier {
  const child = spawn('/bin/sh', ['-c', SHELL, 'sh', process.execPath, ...toArguments(options)], {
    cwd: options.isolation.folder,
    env: environment(),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe', 'pipe'],
  })
  // Before anything else: an error that nobody hears would end the host.
  child.on('error', () => {})
  const { stdout, stderr, input, output, watched } = pipesOf(child)
  const end = () => endGroup(child)
  const tail = passOn({ stdout, stderr }, options.onPrinted)
  // A pipe whose other end is gone says so in its own time; `over` is how it ends.
  for (const pipe of [input, watched]) pipe.on('error', () => {})
  const over = whenOver(child, tail)
  void over.then(() => watched.destroy())
  const port = new PipePort({ input, output, end })
  port.postMessage({ shapes: options.shapes } satisfies ProcessData)
  return { port, over, end }
}

/** The first message to the process. */
export interface ProcessData {
  readonly shapes: MessageShapes
}

// P1
function toArguments({ isolation, memoryMb }: ProcessOptions): string[] {
  const contract = ['plugin', 'base', 'contract', 'package.json', '../package.json', '../../package.json']
  const readable = [isolation.folder, ...contract.map((path) => join(core, path))]
  return [
    '--permission',
    ...readable.map((path) => `--allow-fs-read=${path}`),
    ...(isolation.network && restrictsNetwork() ? ['--allow-net'] : []),
    // It opens files without asking the permission model.
    '--no-experimental-sqlite',
    '--no-warnings',
    `--max-old-space-size=${memoryMb}`,
    entry,
  ]
}

const environment = (): Record<string, string> =>
  Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))

interface Pipes {
  readonly input: Writable
  readonly output: Readable
  /** The process broke the protocol. */
  readonly end: () => void
}

class PipePort implements Port {
  readonly #pipes: Pipes
  readonly #frames = new FrameReader(MOST_FRAME_BYTES)
  readonly #unanswered = new Unanswered(MOST_UNANSWERED_BYTES)
  #onMessage: (message: unknown) => void = () => {}

  constructor(pipes: Pipes) {
    this.#pipes = pipes
    pipes.output.on('data', (chunk: Buffer) => this.#receive(chunk))
    pipes.output.on('error', () => {})
  }

  postMessage(message: unknown): void {
    const { input } = this.#pipes
    if (isAddressed(message)) this.#count(message)
    if (input.destroyed || !input.writable) return
    input.write(toFrame(serialize(message)))
    if (input.writableLength > MOST_UNREAD_BYTES) this.#pipes.end() // P2
  }

  on(event: 'message' | 'close', listener: (message: unknown) => void): void {
    if (event === 'message') this.#onMessage = listener
    else this.#pipes.output.once('close', () => listener(undefined))
  }

  #count({ kind, wire, id = 0 }: Addressed): void {
    if (kind === 'closed') return this.#unanswered.close(wire)
    this.#unanswered.open(wire)
    if (kind === 'reply') this.#unanswered.answer({ wire, id })
  }

  close(): void {
    this.#pipes.input.destroy()
    this.#pipes.output.destroy()
  }

  // P2
  #receive(chunk: Buffer): void {
    try {
      for (const frame of this.#frames.read(chunk)) {
        const message = checked(wireMessage, parseUntrusted(frame.toString('utf8')), 'What the process sent')
        if (message.kind === 'call') this.#unanswered.add(message, frame.length)
        else if (message.kind === 'closed') this.#unanswered.close(message.wire)
        this.#onMessage(message)
      }
    } catch {
      this.#pipes.end()
      this.#pipes.output.destroy()
    }
  }
}

interface Addressed {
  readonly kind: string
  readonly wire: number
  readonly id?: number
}

/** All but the first message is. */
const isAddressed = (message: unknown): message is Addressed =>
  typeof message === 'object' && message !== null && 'kind' in message && 'wire' in message

function whenOver(child: ChildProcess, tail: () => string): Promise<ThreadOver> {
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve({ kind: 'threw', message: `its process could not be started: ${error.message}` }),
    )
    child.once('exit', (code, signal) => {
      // P3: also the shell that watches.
      endGroup(child)
      // What it printed last arrives a little later than its end.
      setImmediate(() => resolve(causeOf(code, signal, tail())))
    })
  })
}

function causeOf(code: number | null, signal: NodeJS.Signals | null, printed: string): ThreadOver {
  if (/heap out of memory|Reached heap limit/.test(printed)) return { kind: 'memory' }
  return { kind: 'exited', code: code ?? 128 + (signal ? constants.signals[signal] : 0) }
}

/** @throws TroupeError PROCESS_START when there are not enough descriptors for them */
function pipesOf({ stdio }: ChildProcess) {
  const [, stdout, stderr, input, output, watched]: readonly unknown[] = stdio
  const whole = stdout instanceof Readable && stderr instanceof Readable && output instanceof Readable
  if (whole && input instanceof Writable && watched instanceof Writable) {
    return { stdout, stderr, input, output, watched }
  }
  return fail('PROCESS_START', 'The process of a plugin has not got its pipes.')
}

/** Gives the end of what was printed to stderr. */
function passOn(streams: { stdout: Readable; stderr: Readable }, onPrinted: ProcessOptions['onPrinted']): () => string {
  let tail = ''
  for (const stream of ['stdout', 'stderr'] as const) {
    streams[stream].setEncoding('utf8').on('data', (text: string) => {
      if (stream === 'stderr') tail = (tail + text).slice(-STDERR_TAIL)
      onPrinted(stream, text)
    })
    streams[stream].on('error', () => {})
  }
  return () => tail
}

function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // It is gone already.
  }
}
