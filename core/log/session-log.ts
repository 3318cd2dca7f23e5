/**
 * The log of messages: appends, and live reading from any place.
 *
 * Owns what is in memory of the sessions that are appended to or listened to; the tables are the truth.
 * - L1 Messages of a session are numbered from 1 without a gap by whoever runs it; a batch that would leave one is
 *   refused, what is stored already is skipped.
 * - L2 `append` settles after the commit, so that a worker may forget what it sent.
 * - L3 A subscriber is given a message only after its commit.
 * - L4 A subscriber gets every message after its cursor once and in order. It pulls: from the last commits while it is near
 *   the end. A slow one falls behind alone, is served from the database, and is told to resume when a single call takes too
 *   long.
 * - L5 No queue grows with the length of a log or the number of subscribers; bodies over 64 KiB are stored aside.
 */
import type { Clock } from '../base/clock.ts'
import { fail, TroupeError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Delta } from '../contract/messages.ts'
import type { Store } from '../store/store.ts'
import {
  closeSession,
  dropTaken,
  endAppend,
  isForgettable,
  loadLogSession,
  type LogSession,
  readAgain,
  settleDoubt,
} from './log-session.ts'
import type { Archive } from './archive.ts'
import { makeLogReader } from './log-reader.ts'
import { LogWriter } from './log-writer.ts'
import { type LogMatches, type LogQuery, searchLog } from './search.ts'
import { Subscription, type SubscriptionDeps } from './subscription.ts'
import type { LogBatch, LogEntry, LogPage, LogReader, LogSubscriber, MessagePlace, SessionLog } from './types.ts'

export interface SessionLogOptions {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  /** Where logs are that left the database; without it they cannot be read. */
  readonly archive?: Archive
  /** Batches that come sooner after a commit began are gathered for the next one; default 5. */
  readonly flushMs?: number
  /** How long one `entries` call of a subscriber may take; default 30,000. */
  readonly slowMs?: number
}

/** @example await using log = openSessionLog({ store, archive: openArchive(folder), clock: systemClock, logger }) */
export const openSessionLog = (options: SessionLogOptions): SessionLog => new StoredSessionLog(options)

class StoredSessionLog implements SessionLog {
  readonly #store: Store
  readonly #reader: LogReader
  readonly #deps: SubscriptionDeps
  readonly #writer: LogWriter
  readonly #sessions = new Map<string, LogSession>()
  readonly #subscriptions = new Set<Subscription>()
  readonly #announced: Disposable
  #closing = false

  constructor({ store, clock, logger, archive, flushMs = 5, slowMs = 30_000 }: SessionLogOptions) {
    this.#store = store
    this.#reader = makeLogReader(store, archive)
    this.#deps = { reader: this.#reader, clock, slowMs }
    this.#writer = new LogWriter({ store, clock, logger, flushMs })
    this.#announced = store.onAnnounce('log', (sessionId) => {
      this.#readAgain(sessionId).catch((error: unknown) =>
        logger.error({ err: error, sessionId }, 'Messages that another server stored could not be read.'),
      )
    })
  }

  async append(batch: LogBatch): Promise<void> {
    this.#assertOpen()
    const session = this.#sessionOf(batch.sessionId)
    session.appending += 1
    try {
      // Always awaited, so that batches stay in the order of their calls.
      await session.loaded
      await settleDoubt(this.#store, session)
      this.#assertOpen()
      if (!session.exists) fail('NOT_FOUND', `There is no session ${batch.sessionId} to append messages to.`)
      session.appended = true
      await this.#writer.write(session, batch)
    } finally {
      endAppend(session)
      this.#forgetIfIdle(session)
    }
  }

  delta(delta: Delta): void {
    for (const listener of this.#sessions.get(delta.sessionId)?.listeners ?? []) listener.delta(delta)
  }

  close(sessionId: string): void {
    const session = this.#sessions.get(sessionId)
    if (!session) return
    closeSession(session)
    this.#forgetIfIdle(session)
  }

  subscribe(
    { sessionId, after, deltas = false }: { sessionId: string; after: number; deltas?: boolean },
    subscriber: LogSubscriber,
  ): Disposable {
    const session = this.#sessionOf(sessionId)
    const onOver = (over: Subscription): void => this.#remove(session, over)
    const subscription = new Subscription({ session, after, deltas, subscriber, onOver }, this.#deps)
    this.#subscriptions.add(subscription)
    session.listeners.add(subscription)
    if (this.#closing) subscription.abort(shuttingDown())
    else subscription.wake()
    return { [Symbol.dispose]: () => subscription.cancel() }
  }

  page(page: LogPage): Promise<readonly LogEntry[]> {
    return this.#reader.page(page)
  }

  body(place: MessagePlace): Promise<string | undefined> {
    return this.#reader.body(place)
  }

  search(query: LogQuery): Promise<LogMatches> {
    return searchLog(this.#reader, query)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true
    this.#announced[Symbol.dispose]()
    await this.#writer.flush()
    for (const subscription of this.#subscriptions) subscription.abort(shuttingDown())
  }

  /** Another server wrote to this session, or perhaps to any. */
  async #readAgain(sessionId: string | undefined): Promise<void> {
    const known = sessionId === undefined ? [...this.#sessions.values()] : [this.#sessions.get(sessionId)]
    await Promise.all(known.flatMap((session) => (session ? [readAgain(this.#store, session)] : [])))
  }

  #sessionOf(id: string): LogSession {
    const known = this.#sessions.get(id)
    if (known) return known
    const session = loadLogSession(this.#store, id)
    this.#sessions.set(id, session)
    // The next caller tries again.
    session.loaded.catch(() => this.#forget(session))
    return session
  }

  #remove(session: LogSession, subscription: Subscription): void {
    this.#subscriptions.delete(subscription)
    session.listeners.delete(subscription)
    dropTaken(session)
    this.#forgetIfIdle(session)
  }

  #forgetIfIdle(session: LogSession): void {
    if (isForgettable(session)) this.#forget(session)
  }

  /** Another one may have taken its place. */
  #forget(session: LogSession): void {
    if (this.#sessions.get(session.id) === session) this.#sessions.delete(session.id)
  }

  #assertOpen(): void {
    if (this.#closing) throw shuttingDown()
  }
}

const shuttingDown = (): TroupeError =>
  new TroupeError('ABORTED', 'Troupe is shutting down. Subscribe or send again later.')
