/**
 * What a plugin is given for a session, in the plugin's thread.
 *
 * Owns the session's outbox, progress and questions there.
 *
 * S1 What the contract does not allow ends the session, from wherever it is said: the host is told at once, even out of a loop
 *    that never gives way.
 * S2 A question comes after the messages emitted before it, so it waits until they are committed.
 */
import { z } from 'zod'
import { TroupeError, toEnvelope } from '../base/errors.ts'
import { messageBody } from '../contract/messages.ts'
import { makeAgentProcess } from './agent-process.ts'
import type { AgentMessage, AgentProcess, Ask, Command, FollowUp, SessionIo } from './contract/io.ts'
import { Deltas } from './deltas.ts'
import { Outbox } from './outbox.ts'
import { ProgressTracker } from './progress.ts'
import type { SessionMethods } from './protocol.ts'
import { ask, checked, command } from './requests.ts'
import type { Wire } from './wire.ts'

/** Written by the host: from what `run` returns, and from what people say. */
const HOST_MESSAGES: readonly string[] = ['userMessage', 'userQuestion', 'userAnswer', 'complete']
const DEBUG_CHARACTERS = 8 * 1024

export class ThreadSessionIo implements SessionIo {
  readonly signal: AbortSignal
  readonly #wire: Wire<SessionMethods>
  readonly #progress = new ProgressTracker()
  readonly #outbox: Outbox
  readonly #deltas: Deltas
  readonly followUps: AsyncIterable<FollowUp>
  #lastQuestion = 0
  #spawning: Promise<unknown> = Promise.resolve()

  constructor(wire: Wire<SessionMethods>, signal: AbortSignal) {
    this.#wire = wire
    this.signal = signal
    this.#outbox = new Outbox({ send: (batch) => wire.call('append', batch), progress: () => this.#progress.now() })
    this.#deltas = new Deltas((fragment) => wire.call('delta', fragment))
    this.followUps = this.#readFollowUps()
    // What a plugin said before it ended its own thread is heard.
    process.once('exit', () => this.#outbox.sendRest())
  }

  /** One after the other, so that the numbers of the processes are the same when the session is continued. */
  spawn(request: Command): Promise<AgentProcess> {
    const spawned = this.#spawning.then(() => this.#spawn(request))
    this.#spawning = spawned.catch(() => {})
    return spawned
  }

  async #spawn(request: Command): Promise<AgentProcess> {
    const number = await this.#wire.call('spawn', checked(command, request, 'The command given to spawn'))
    return makeAgentProcess(number, {
      wire: this.#wire,
      outbox: this.#outbox,
      cursor: this.#progress.open(number),
      raw: (stream, content) => this.emit({ type: 'raw', stream, content }),
    })
  }

  emit(message: AgentMessage): Promise<void> {
    try {
      const { type, ...body } = checked(messageBody, message, 'A message')
      if (HOST_MESSAGES.includes(type)) throw notForPlugins(type)
      this.#deltas.supersede(type)
      this.#progress.emitted()
      return this.#outbox.add(JSON.stringify({ type, ...body }))
    } catch (error) {
      return this.#fail(error)
    }
  }

  delta(type: 'text' | 'thinking', content: string): void {
    try {
      this.#deltas.add(type, checked(z.string(), content, 'A live fragment'))
    } catch (error) {
      void this.#fail(error)
    }
  }

  async ask(request: Ask, withdraw?: AbortSignal): Promise<string> {
    const question = checked(ask, request, 'The question given to ask')
    await this.#outbox.drained() // S2
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
      return await Promise.race([this.#wire.call('ask', { id, question }), giveUp.promise])
    } finally {
      given.removeEventListener('abort', onAbort)
    }
  }

  checkpoint(state: unknown): void {
    try {
      this.#progress.checkpoint(checked(z.json(), state, 'The state given to checkpoint'))
      this.#outbox.touch()
    } catch (error) {
      void this.#fail(error)
    }
  }

  debug(text: string): void {
    this.#wire.notify('debug', text.slice(0, DEBUG_CHARACTERS))
  }

  /** Settles when all that was emitted is committed. */
  drained(): Promise<void> {
    return this.#outbox.drained()
  }

  async *#readFollowUps(): AsyncGenerator<FollowUp> {
    const stopped = new Promise<null>((resolve) => {
      if (this.signal.aborted) resolve(null)
      this.signal.addEventListener('abort', () => resolve(null), { once: true })
    })
    for (;;) {
      const content = await Promise.race([this.#wire.call('nextFollowUp', undefined), stopped])
      if (content === null) return
      yield { content }
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

const notForPlugins = (type: string): TroupeError =>
  new TroupeError(
    'PLUGIN_MESSAGE',
    `A message of type "${type}" may not be emitted: the host writes it. A plugin says how a session ended by what run returns.`,
  )

const withdrawn = (signal: AbortSignal): TroupeError =>
  signal.reason instanceof TroupeError
    ? signal.reason
    : new TroupeError('ABORTED', 'The question was withdrawn before somebody answered it.')
