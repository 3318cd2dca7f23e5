/** What the log keeps in memory of one session: a few numbers, its subscriptions, and the last commit for them (L5). */
import type { Delta } from '../contract/messages.ts'
import type { AgentSession } from '../contract/records.ts'
import type { SessionStatus } from '../contract/statuses.ts'
import { type NewMessage, toMessageJson } from '../store/messages.ts'
import { getSession } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import type { LogEntry } from './types.ts'

export interface LogListener {
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
  /** No more will come. */
  closed: boolean
  /** This process has appended to it. */
  appended: boolean
  /** Calls of `append` that have not settled. */
  appending: number
  /** The entries of the last commit, kept while there are listeners. */
  recent: readonly LogEntry[]
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
    closed: false,
    appended: false,
    appending: 0,
    recent: [],
    listeners: new Set(),
  }
  // Whoever waits for it sees the failure; without anybody it is no crash.
  session.loaded.catch(() => {})
  return session
}

function fill(session: LogSession, record: AgentSession | undefined): void {
  if (!record) return
  session.exists = true
  session.offered = session.committed = record.lastSeq
  session.closed ||= FINAL.has(record.status)
}

/** Notes messages that were just committed, and tells the listeners. */
export function commitMessages(session: LogSession, messages: readonly NewMessage[]): void {
  const last = messages.at(-1)
  if (!last) return
  session.committed = last.seq
  const listened = session.listeners.size > 0
  session.recent = listened ? messages.map((message) => ({ seq: message.seq, json: toMessageJson(message) })) : []
  wakeListeners(session)
}

/** Forgets what was accepted but not stored: the next batch joins on to what is. */
export function revertOffered(session: LogSession): void {
  session.offered = session.committed
  wakeListeners(session)
}

export function closeSession(session: LogSession): void {
  session.closed = true
  wakeListeners(session)
}

function wakeListeners(session: LogSession): void {
  for (const listener of session.listeners) listener.wake()
}

/** Everything that will ever come is stored. */
export const isComplete = (session: LogSession): boolean => session.closed && session.offered === session.committed

/** Nothing would be lost by forgetting it: it can be loaded again. */
export const isForgettable = (session: LogSession): boolean =>
  session.listeners.size === 0 && session.appending === 0 && (session.closed || !session.appended)

/** What of the last commit comes right after `cursor`, if it joins on. */
export function recentAfter(session: LogSession, cursor: number): readonly LogEntry[] | undefined {
  const first = session.recent[0]
  if (!first || cursor < first.seq - 1) return undefined
  return cursor < first.seq ? session.recent : session.recent.slice(cursor - first.seq + 1)
}
