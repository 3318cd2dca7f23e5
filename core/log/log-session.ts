/** What the log keeps in memory of one session: a few numbers, its subscriptions, and the last commits for them (L5). */
import type { Delta } from '../contract/messages.ts'
import type { AgentSession } from '../contract/records.ts'
import type { SessionStatus } from '../contract/statuses.ts'
import { type NewMessage, toMessageJson } from '../store/messages.ts'
import { getSession } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import { RecentPages } from './recent-pages.ts'

export interface LogListener {
  /** The last message that it has taken. */
  readonly cursor: number
  delta(delta: Delta): void
  /** There may be something to do: a commit, or the end. */
  wake(): void
}

export interface LogSession {
  readonly id: string
  /** Settles when the rest is known from the database. */
  readonly loaded: Promise<void>
  /** False while it is not known, and when there is no such record. */
  exists: boolean
  /** The highest sequence number that was accepted. */
  offered: number
  /** The highest sequence number that is stored. */
  committed: number
  /** A write failed, and the database may have committed it nevertheless: its connection was lost, or it did not answer. */
  doubtful: boolean
  /** The look at what became of that write. */
  settling: Promise<void> | undefined
  /** No more will come. */
  closed: boolean
  /** This process has appended to it. */
  appended: boolean
  /** Calls of `append` that have not settled. */
  appending: number
  /** What of the last commits some listener has not taken yet. */
  readonly recent: RecentPages
  readonly listeners: Set<LogListener>
}

const FINAL: ReadonlySet<SessionStatus> = new Set(['completed', 'failed', 'stopped', 'lost'])

/** Begins to load a session; until then it looks empty and open. */
export function loadLogSession(store: Store, id: string): LogSession {
  const record = store.read((tx) => getSession(tx, id))
  const session: LogSession = {
    id,
    loaded: record.then((found) => fill(session, found)),
    exists: false,
    offered: 0,
    committed: 0,
    doubtful: false,
    settling: undefined,
    closed: false,
    appended: false,
    appending: 0,
    recent: new RecentPages(),
    listeners: new Set(),
  }
  // Whoever waits for it sees the failure; without anybody it is no crash.
  session.loaded.catch(() => {})
  return session
}

function fill(session: LogSession, record: AgentSession | undefined): void {
  if (!record) return
  session.exists = true
  session.offered = session.committed = Math.max(session.committed, record.lastSeq)
  session.closed ||= FINAL.has(record.status)
}

/** Reads what another server has stored meanwhile. One that is written here is known already. */
export async function readAgain(store: Store, session: LogSession): Promise<void> {
  await session.loaded
  const record = await store.read((tx) => getSession(tx, session.id))
  if (session.appended) return
  fill(session, record)
  wakeListeners(session)
}

/** Notes messages that were just committed, and tells the listeners. */
export function commitMessages(session: LogSession, messages: readonly NewMessage[]): void {
  const last = messages.at(-1)
  if (!last) return
  session.committed = last.seq
  if (session.listeners.size > 0) {
    session.recent.add(messages.map((message) => ({ seq: message.seq, json: toMessageJson(message) })))
  }
  wakeListeners(session)
}

/** Forgets what all listeners have taken, and all of it when there is none. */
export function dropTaken({ recent, listeners }: LogSession): void {
  recent.keepFor(listeners.values().map(({ cursor }) => cursor))
}

/** Reads what became of a write that failed; nothing is accepted before. @throws what the store throws */
export async function settleDoubt(store: Store, session: LogSession): Promise<void> {
  if (!session.doubtful) return
  // One look for all who wait, so that their batches stay in order.
  session.settling ??= lookAgain(store, session).finally(() => (session.settling = undefined))
  await session.settling
}

async function lookAgain(store: Store, session: LogSession): Promise<void> {
  const record = await store.read((tx) => getSession(tx, session.id))
  session.doubtful = false
  fill(session, record)
  wakeListeners(session)
}

/** Forgets what was accepted and, as far as is known, not stored: the next batch joins on to what is. */
export function revertOffered(session: LogSession): void {
  session.doubtful = true
  session.offered = session.committed
  wakeListeners(session)
}

export function closeSession(session: LogSession): void {
  session.closed = true
  wakeListeners(session)
}

/** A call of `append` has settled; the last one may complete the session. */
export function endAppend(session: LogSession): void {
  session.appending -= 1
  if (session.closed && session.appending === 0) wakeListeners(session)
}

function wakeListeners(session: LogSession): void {
  for (const listener of session.listeners) listener.wake()
}

/** Everything that will ever come is stored. */
export const isComplete = (session: LogSession): boolean =>
  session.closed && session.appending === 0 && session.offered === session.committed

/** Nothing would be lost by forgetting it: it can be loaded again. */
export const isForgettable = (session: LogSession): boolean =>
  session.listeners.size === 0 && session.appending === 0 && (session.closed || !session.appended)
