/** A `HostIo` for tests of plugins: real child processes over pipes, messages kept in memory, answers from a script. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { TroupeError } from '../../core/base/errors.ts'
import { type MessageBody, messageBody } from '../../core/contract/messages.ts'
import type { Session } from '../../core/plugin/contract/agent.ts'
import type { Ask, Command, Exit } from '../../core/plugin/contract/io.ts'
import type { Draft, HostIo, HostProcess, OutputChunk, Progress } from '../../core/plugin/host-io.ts'

/** Finds this Node and the system's tools, and nothing of the person who runs the tests. */
const ENVIRONMENT = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: '/nonexistent' }

export interface TestIoOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly answer?: (question: Ask, withdraw: AbortSignal) => Promise<string>
  /** What the log does with a batch, for logs that are slow or broken. */
  readonly append?: () => Promise<void>
}

export class TestIo implements HostIo, AsyncDisposable {
  readonly #options: TestIoOptions
  readonly messages: MessageBody[] = []
  readonly batches: { readonly size: number; readonly progress: Progress }[] = []
  readonly deltas: { readonly type: string; readonly content: string }[] = []
  readonly debugged: string[] = []
  readonly asked: Ask[] = []
  readonly processes: PipeProcess[] = []
  readonly #said: string[] = []
  #wake = Promise.withResolvers<void>()
  #silent = false
  /** The most batches that were under way at once. */
  mostAppends = 0
  #appends = 0

  constructor(options: TestIoOptions = {}) {
    this.#options = options
  }

  async spawn(command: Command): Promise<HostProcess> {
    const env = { ...ENVIRONMENT, ...this.#options.env, ...command.env }
    const process = await startProcess(command, { cwd: command.cwd ?? this.#options.cwd ?? '/', env })
    this.processes.push(process)
    return process
  }

  async append(drafts: readonly Draft[], progress: Progress): Promise<void> {
    this.mostAppends = Math.max(this.mostAppends, ++this.#appends)
    await this.#options.append?.()
    this.#appends--
    this.batches.push({ size: drafts.length, progress })
    for (const { type, json } of drafts) {
      if (!json.startsWith(`{"type":"${type}"`)) throw new Error(`a draft does not begin with its type: ${json}`)
      this.messages.push(messageBody.parse(JSON.parse(json)))
    }
  }

  delta(type: 'text' | 'thinking', content: string): void {
    this.deltas.push({ type, content })
  }

  ask(question: Ask, withdraw: AbortSignal): Promise<string> {
    this.asked.push(question)
    return this.#options.answer?.(question, withdraw) ?? Promise.resolve('Yes')
  }

  get followUps(): AsyncIterable<{ readonly content: string }> {
    return this.#followUps()
  }

  debug(text: string): void {
    this.debugged.push(text)
  }

  /** Says something to the agent. */
  say(...contents: readonly string[]): void {
    this.#said.push(...contents)
    this.#wake.resolve()
  }

  texts(): string[] {
    return this.messages.flatMap((message) => (message.type === 'text' ? [message.content] : []))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#silent = true
    this.#wake.resolve()
    await Promise.all(this.processes.map((process) => process.stop()))
  }

  async *#followUps(): AsyncGenerator<{ readonly content: string }> {
    while (!this.#silent) {
      const content = this.#said.shift()
      if (content === undefined) {
        await this.#wake.promise
        this.#wake = Promise.withResolvers<void>()
      } else {
        yield { content }
      }
    }
  }
}

async function startProcess(
  { program, args, stdin = 'none' }: Command,
  place: { readonly cwd: string; readonly env: Readonly<Record<string, string>> },
): Promise<PipeProcess> {
  const child = spawn(program, [...args], { ...place, detached: true, stdio: 'pipe' })
  try {
    await once(child, 'spawn')
  } catch (error) {
    throw new TroupeError('PROCESS_START', `The program "${program}" cannot be started.`, undefined, error)
  }
  child.stdin.on('error', () => {})
  if (typeof stdin === 'object') child.stdin.end(stdin.content)
  else if (stdin === 'none') child.stdin.end()
  return new PipeProcess(child)
}

class PipeProcess implements HostProcess {
  readonly #child: ChildProcessWithoutNullStreams
  readonly exited: Promise<Exit>
  readonly output: AsyncIterable<OutputChunk>

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    this.exited = once(child, 'exit').then(([code, signal]: unknown[]) => ({
      code: typeof code === 'number' ? code : null,
      ...(typeof signal === 'string' && { signal }),
    }))
    this.output = merge(child)
  }

  write(text: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#child.stdin.write(text, (error) => (error ? reject(error) : resolve()))
    })
  }

  signal(name: 'SIGINT' | 'SIGTERM'): Promise<void> {
    this.#child.kill(name)
    return Promise.resolve()
  }

  stop(): Promise<Exit> {
    try {
      if (this.#child.pid !== undefined) process.kill(-this.#child.pid, 'SIGKILL')
    } catch {
      // The group is gone already.
    }
    return this.exited
  }
}

/** Both streams, read only as asked for. The listeners stay: without one, Node drops what was not read at exit. */
function merge(child: ChildProcessWithoutNullStreams): AsyncGenerator<OutputChunk> {
  let wake = Promise.withResolvers<void>()
  let closed = false
  for (const stream of [child.stdout, child.stderr]) stream.on('readable', () => wake.resolve())
  child.once('close', () => {
    closed = true
    wake.resolve()
  })
  return read()

  async function* read(): AsyncGenerator<OutputChunk> {
    const offsets = { stdout: 0, stderr: 0 }
    for (;;) {
      const last = closed
      wake = Promise.withResolvers<void>()
      for (const stream of ['stdout', 'stderr'] as const) {
        for (let bytes: unknown = child[stream].read(); bytes instanceof Buffer; bytes = child[stream].read()) {
          yield { stream, offset: offsets[stream], bytes }
          offsets[stream] += bytes.length
        }
      }
      if (last) return
      await wake.promise
    }
  }
}

/** A session with what a test does not care about filled in. */
export const makeSession = (agent: string, change: Partial<Session> = {}): Session => ({
  sessionId: 'session-1',
  agent,
  workDir: '/',
  scratchDir: '/',
  prompt: 'do it',
  permissionMode: 'full',
  settings: { args: [] },
  ...change,
})
