/**
 * What a plugin is given for a session, in the plugin's thread.
 *
 * Owns the session's outbox, progress and questions there.
 *
 * S1 What the contract does not allow ends the session, from wherever it is said: the host is told at once, even out of a loop
 *    that never gives way.
 * S2 A question comes after the messages emitted before it, so it waits until they are committed.
 * S3 A follow-up is acknowledged only when the checkpoint that the plugin made of it is committed.
 * S4 When the session is over, code that a plugin left behind is left waiting: it goes nowhere and harms nobody.
 */
import { TroupeError, toEnvelope } from '../base/errors.ts'
import { makeAgentProcess } from './agent-process.ts'
import type { AgentMessage, AgentProcess, Ask, Command, FollowUp, SessionIo } from './contract/io.ts'
import { Deltas } from './deltas.ts'
import type { Progress } from './host-io.ts'
import { type MessageShapes, toMessageJson } from './message-check.ts'
import { Outbox } from './outbox.ts'
import { ProgressTracker } from './progress.ts'
import { DEBUG_CHARACTERS, type SessionMethods } from './protocol.ts'
import type { Wire } from './wire.ts'

export interface ThreadSession {
  readonly wire: Wire<SessionMethods>
  /** Aborts when the session shall stop. */
  readonly signal: AbortSignal
  readonly shapes: MessageShapes
}

export class ThreadSessionIo implements SessionIo {
  readonly signal: AbortSignal
  readonly #wire: Wire<SessionMethods>
  readonly #shapes: MessageShapes
  readonly #progress: ProgressTracker
  readonly #outbox: Outbox
  readonly #deltas: Deltas
  readonly followUps: AsyncIterable<FollowUp>
  #lastQuestion = 0
  #spawning: Promise<unknown> = Promise.resolve()
  #acknowledging: Promise<void> = Promise.resolve()

  constructor({ wire, signal, shapes }: ThreadSession, progress?: Progress) {
    this.#shapes = shapes
    this.#progress = new ProgressTracker(progress)
    this.#wire = wire
    this.signal = signal
    this.#outbox = new Outbox({ send: (batch) => wire.call('append', batch), progress: () => this.#progress.now() })
    this.#deltas = new Deltas((fragment) => wire.call('delta', fragment))
    this.followUps = this.#readFollowUps()
  }

  /** One after the other, so that the numbers of the processes are the same when the session is continued. */
  spawn(request: Command): Promise<AgentProcess> {
    const spawned = this.#spawning.then(() => this.#spawn(request))
    this.#spawning = spawned.catch(() => {})
    return spawned
  }

  async #spawn(request: Command): Promise<AgentProcess> {
    const number = await this.#wire.call('spawn', request)
    return makeAgentProcess(number, {
      wire: this.#wire,
      outbox: this.#outbox,
      offsets: this.#progress.open(number),
      raw: (stream, content) => void this.emit({ type: 'raw', stream, content }),
    })
  }

  emit(message: AgentMessage): Promise<void> {
    if (!this.#wire.isOpen) return new Promise(() => {}) // S4
    try {
      const json = toMessageJson(this.#shapes, message)
      this.#deltas.supersede(message.type)
      return this.#outbox.add(json)
    } catch (error) {
      return this.#fail(notAllowed('A message', error))
    }
  }

  delta(type: 'text' | 'thinking', content: string): void {
    if (typeof content === 'string') this.#deltas.add(type, content)
    else void this.#fail(notAllowed('A live fragment', 'it is not a string'))
  }

  async ask(request: Ask, withdraw?: AbortSignal): Promise<string> {
    await this.#outbox.committed() // S2
    const given = withdraw ? AbortSignal.any([withdraw, this.signal]) : this.signal
    if (given.aborted) throw withdrawn(given)
    const id = ++this.#lastQuestion
    const giveUp = Promise.withResolvers<never>()
    const onAbort = () => {
      this.#wire.notify('withdraw', id)
      giveUp.reject(withdrawn(given))
    }
    given.addEventListener('abort', onAbort)
    try {
      return await Promise.race([this.#wire.call('ask', { id, question: request }), giveUp.promise])
    } finally {
      given.removeEventListener('abort', onAbort)
    }
  }

  checkpoint(state: unknown): void {
    try {
      if (this.#progress.checkpoint(state)) this.#outbox.touch()
    } catch (error) {
      void this.#fail(notAllowed('The state given to checkpoint', error))
    }
  }

  committed(): Promise<void> {
    return this.#outbox.committed()
  }

  debug(text: string): void {
    this.#wire.notify('debug', text.slice(0, DEBUG_CHARACTERS))
  }

  /** Settles when all that was emitted is committed, and what the plugin is done with of the follow-ups acknowledged. */
  async drained(): Promise<void> {
    await this.#outbox.drained()
    await this.#acknowledging
  }

  /** Sends what was emitted, whatever is under way: for the last moment of a thread. */
  sendRest(): void {
    this.#outbox.sendRest()
  }

  async *#readFollowUps(): AsyncGenerator<FollowUp> {
    const stopped = new Promise<null>((resolve) => {
      if (this.signal.aborted) resolve(null)
      this.signal.addEventListener('abort', () => resolve(null), { once: true })
    })
    for (;;) {
      const next = await Promise.race([this.#wire.call('nextFollowUp', undefined), stopped])
      if (next === null) return
      yield next
      this.#acknowledging = this.#outbox.committed() // S3
      await this.#acknowledging
    }
  }

  // S1
  #fail(reason: unknown): Promise<never> {
    this.#outbox.sendRest()
    this.#wire.notify('failed', toEnvelope(reason))
    const failed = Promise.reject(reason)
    failed.catch(() => {})
    return failed
  }
}

const notAllowed = (what: string, reason: unknown): TroupeError =>
  reason instanceof TroupeError
    ? reason
    : new TroupeError('PLUGIN_MESSAGE', `${what} is not what the plugin contract allows: ${String(reason)}.`)

const withdrawn = (signal: AbortSignal): TroupeError =>
  signal.reason instanceof TroupeError
    ? signal.reason
    : new TroupeError('ABORTED', 'The question was withdrawn before somebody answered it.')
