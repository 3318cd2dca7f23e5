/**
 * A `HostIo` for tests of plugins: real child processes over pipes, messages kept in memory, answers from a script.
 * Owns the processes, which a session that is continued (`after`) takes over, with the log and whatever was not acknowledged.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { TroupeError } from '../../core/base/errors.ts'
import { type MessageBody, messageBody } from '../../core/contract/messages.ts'
import type { Session } from '../../core/plugin/contract/agent.ts'
import type { Ask, Command, Exit, FollowUp } from '../../core/plugin/contract/io.ts'
import type { Draft, HostIo, HostProcess, OutputChunk, Progress } from '../../core/plugin/host-io.ts'

/** Finds this Node and the system's tools, and nothing of the person who runs the tests. */
const ENVIRONMENT = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin`, HOME: '/nonexistent' }

export interface TestIoOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly answer?: (question: Ask, withdraw: AbortSignal) => Promise<string>
  /** What the log does with a batch, for logs that are slow or broken. */
  readonly append?: () => Promise<void>
  /** Goes on where this one was when its host died. */
  readonly after?: TestIo
  /** The host dies when it shall commit the batch after this many. */
  readonly batchesToLive?: number
}

export class TestIo implements HostIo, AsyncDisposable {
  readonly #options: TestIoOptions
  /** The log; a session that is continued adds to it. */
  readonly messages: MessageBody[]
  readonly batches: { readonly size: number; readonly progress: Progress }[] = []
  readonly deltas: { readonly type: string; readonly content: string }[] = []
  readonly debugged: string[] = []
  readonly asked: Ask[] = []
  readonly processes: PipeProcess[]
  /** What was committed last. */
  progress: Progress | undefined
  /** Settles when the host dies. */
  readonly died = Promise.withResolvers<void>()
  readonly #said: FollowUp[]
  readonly #answers: Map<string, string>
  #sayings: number
  #spawned = 0
  /** Ids of the follow-ups that the plugin has gone on from. */
  readonly acknowledged: string[]
  #wake = Promise.withResolvers<void>()
  #silent = false
  /** The most batches that were under way at once. */
  mostAppends = 0
  #appends = 0

  constructor(options: TestIoOptions = {}) {
    this.#options = options
    const { after } = options
    this.messages = after?.messages ?? []
    this.processes = after?.processes ?? []
    this.progress = after?.progress
    this.acknowledged = after?.acknowledged ?? []
    this.#said = after ? after.#said.slice() : []
    this.#answers = after ? after.#answers : new Map()
    this.#sayings = after ? after.#sayings : 0
  }

  async spawn(command: Command): Promise<HostProcess> {
    const number = this.#spawned++
    const begun = this.processes[number]
    if (begun) return begun.from(this.progress?.offsets[number])
    const env = { ...ENVIRONMENT, ...this.#options.env, ...command.env }
    const process = await startProcess(command, { cwd: command.cwd ?? this.#options.cwd ?? '/', env })
    this.processes.push(process)
    return process.from()
  }

  async append(drafts: readonly Draft[], progress: Progress): Promise<void> {
    if (this.batches.length === this.#options.batchesToLive) {
      this.died.resolve()
      return new Promise(() => {})
    }
    this.mostAppends = Math.max(this.mostAppends, ++this.#appends)
    await this.#options.append?.()
    this.#appends--
    this.batches.push({ size: drafts.length, progress })
    this.progress = progress
    for (const { type, json } of drafts) {
      if (!json.startsWith(`{"type":"${type}"`)) throw new Error(`a draft does not begin with its type: ${json}`)
      this.messages.push(messageBody.parse(JSON.parse(json)))
    }
  }

  delta(type: 'text' | 'thinking', content: string): void {
    this.deltas.push({ type, content })
  }

  async ask(question: Ask, withdraw: AbortSignal): Promise<string> {
    const given = this.#answers.get(question.key ?? '')
    if (given !== undefined) return given
    this.asked.push(question)
    const answer = await (this.#options.answer?.(question, withdraw) ?? 'Yes')
    if (question.key !== undefined) this.#answers.set(question.key, answer)
    return answer
  }

  get followUps(): AsyncIterable<FollowUp> {
    return this.#followUps()
  }

  debug(text: string): void {
    this.debugged.push(text)
  }

  /** Says something to the agent. */
  say(...contents: readonly string[]): void {
    this.#said.push(...contents.map((content) => ({ id: `follow-up-${++this.#sayings}`, content })))
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

  async *#followUps(): AsyncGenerator<FollowUp> {
    while (!this.#silent) {
      const next = this.#said[0]
      if (next === undefined) {
        await this.#wake.promise
        this.#wake = Promise.withResolvers<void>()
      } else {
        yield next
        this.#said.shift()
        this.acknowledged.push(next.id)
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

class PipeProcess {
  readonly #child: ChildProcessWithoutNullStreams
  readonly exited: Promise<Exit>
  readonly #printed: { readonly stream: 'stdout' | 'stderr'; readonly offset: number; readonly bytes: Uint8Array }[] =
    []
  #more = Promise.withResolvers<void>()
  #closed = false

  constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    this.exited = once(child, 'exit').then(([code, signal]: unknown[]) => ({
      code: typeof code === 'number' ? code : null,
      ...(typeof signal === 'string' && { signal }),
    }))
    for (const stream of ['stdout', 'stderr'] as const) {
      let offset = 0
      child[stream].on('data', (bytes: Buffer) => {
        this.#printed.push({ stream, offset, bytes })
        offset += bytes.length
        this.#notify()
      })
    }
    child.once('close', () => {
      this.#closed = true
      this.#notify()
    })
  }

  /** The process as a session sees it that begins, or goes on, at these offsets. */
  from(offsets: Progress['offsets'][number] = { stdout: 0, stderr: 0 }): HostProcess {
    return {
      output: this.#output(offsets),
      exited: this.exited,
      write: (text) => this.write(text),
      signal: (name) => this.signal(name),
      stop: () => this.stop(),
    }
  }

  async *#output(from: Progress['offsets'][number]): AsyncGenerator<OutputChunk> {
    for (let next = 0; ; next++) {
      while (next >= this.#printed.length && !this.#closed) await this.#more.promise
      const chunk = this.#printed[next]
      if (!chunk) return
      const passed = Math.max(0, from[chunk.stream] - chunk.offset)
      if (passed >= chunk.bytes.length) continue
      yield { stream: chunk.stream, offset: chunk.offset + passed, bytes: chunk.bytes.subarray(passed) }
    }
  }

  #notify(): void {
    this.#more.resolve()
    this.#more = Promise.withResolvers()
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
