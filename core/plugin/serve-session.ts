/**
 * Serves a plugin's thread what it asks for in a session, from the runner's `HostIo`.
 *
 * Owns the reading of the processes' output and the questions that are open. Processes themselves are the runner's.
 *
 * H1 Output is read only as the thread asks for it.
 * H2 When the thread is done with the session, nothing is read any more. Questions that it left open are the runner's: another
 *    thread may go on with the session and ask them again.
 */
import { type ErrorEnvelope, TroupeError, fail, toEnvelope } from '../base/errors.ts'
import { type MessageType, messageBody } from '../contract/messages.ts'
import type { Command, FollowUp } from './contract/io.ts'
import type { Draft, HostIo, HostProcess, OutputChunk } from './host-io.ts'
import { type Batch, CHUNK_BYTES, type SessionMethods } from './protocol.ts'
import { ask, checked, command } from './requests.ts'
import { type Handlers, Transferred } from './wire.ts'

interface Reading {
  readonly process: HostProcess
  readonly chunks: AsyncIterator<OutputChunk>
  /** What is left of a chunk that was too large for one piece. */
  rest: OutputChunk | undefined
}

export class SessionServer implements Disposable {
  readonly #io: HostIo
  readonly #followUps: AsyncIterator<FollowUp>
  readonly #readings: Reading[] = []
  readonly #questions = new Map<number, AbortController>()
  readonly #failed = Promise.withResolvers<ErrorEnvelope>()
  #appending: Promise<unknown> = Promise.resolve()

  constructor(io: HostIo) {
    this.#io = io
    this.#followUps = io.followUps[Symbol.asyncIterator]()
  }

  /** Settles when the session cannot go on: the plugin broke the contract, or the log took no more. */
  get failed(): Promise<ErrorEnvelope> {
    return this.#failed.promise
  }

  readonly handlers: Handlers<SessionMethods> = {
    spawn: (request) => this.#spawn(request),
    read: (process) => this.#read(this.#reading(process)),
    exited: (process) => this.#reading(process).process.exited,
    write: ({ process, text }) => this.#reading(process).process.write(text),
    signal: ({ process, name }) => this.#reading(process).process.signal(name),
    stop: (process) => this.#reading(process).process.stop(),
    append: (batch) => this.#append(batch),
    delta: ({ type, content }) => this.#io.delta(type, content),
    ask: (request) => this.#ask(request),
    withdraw: (id) => this.#questions.get(id)?.abort(withdrawn()),
    nextFollowUp: async () => {
      const next = await this.#followUps.next()
      return next.done ? null : next.value
    },
    debug: (text) => this.#io.debug(text),
    failed: (error) => this.#failed.resolve(error),
  }

  /** Settles when no append is under way. */
  async settled(): Promise<void> {
    await this.#appending
  }

  // H2
  [Symbol.dispose](): void {
    for (const { chunks } of this.#readings) release(chunks)
    release(this.#followUps)
  }

  async #spawn(request: Command): Promise<number> {
    const process = await this.#io.spawn(checked(command, request, 'The command given to spawn'))
    return this.#readings.push({ process, chunks: process.output[Symbol.asyncIterator](), rest: undefined }) - 1
  }

  #reading(number: number): Reading {
    return this.#readings[number] ?? fail('NOT_FOUND', `The session has no process ${number}.`)
  }

  async #read(reading: Reading): Promise<OutputChunk | null | Transferred<OutputChunk>> {
    const chunk = reading.rest ?? (await nextOf(reading.chunks))
    if (!chunk) return null
    const { stream, offset, bytes } = chunk
    const tooLarge = bytes.length > CHUNK_BYTES
    reading.rest = tooLarge ? { stream, offset: offset + CHUNK_BYTES, bytes: bytes.subarray(CHUNK_BYTES) } : undefined
    // A copy of its own: the runner may use its buffer again, and a part of one cannot be given away.
    const piece = new Uint8Array(tooLarge ? bytes.subarray(0, CHUNK_BYTES) : bytes)
    return new Transferred({ stream, offset, bytes: piece }, [piece.buffer])
  }

  /** One after the other, also when the last batch of a thread comes before its turn. */
  #append({ messages, progress }: Batch): Promise<void> {
    const appended = this.#appending.then(() => this.#io.append(messages.map(toDraft), progress))
    this.#appending = appended.catch((error: unknown) => this.#failed.resolve(toEnvelope(error)))
    return appended
  }

  async #ask({ id, question }: Parameters<SessionMethods['ask']>[0]): Promise<string> {
    const withdraw = new AbortController()
    this.#questions.set(id, withdraw)
    try {
      return await this.#io.ask(checked(ask, question, 'The question given to ask'), withdraw.signal)
    } finally {
      this.#questions.delete(id)
    }
  }
}

async function nextOf<T>(iterator: AsyncIterator<T>): Promise<T | undefined> {
  const next = await iterator.next()
  return next.done ? undefined : next.value
}

/** Not awaited: an iterator that waits for its next value ends after that. */
function release(iterator: AsyncIterator<unknown>): void {
  iterator.return?.().catch(() => {})
}

const TYPES: ReadonlyMap<string, MessageType> = new Map(
  messageBody.options.map(({ shape }) => [shape.type.value, shape.type.value]),
)

/** The thread writes `{"type":"<type>"` first, so that nobody here needs to parse the rest. */
function toDraft(json: string): Draft {
  const start = '{"type":"'.length
  const type = TYPES.get(json.slice(start, json.indexOf('"', start)))
  return type ? { type, json } : fail('PLUGIN_MESSAGE', 'The thread of a plugin sent a message without a type.')
}

const withdrawn = (): TroupeError => new TroupeError('ABORTED', 'The agent no longer wants to know.')
