/** The log of messages: what appends and what subscribes. */
import type { Delta, MessageType } from '../contract/messages.ts'
import type { LogMatches, LogQuery } from './search.ts'

/** A message before it is stored: its body as JSON that begins with `{"type":"<type>"`. */
export interface LogDraft {
  readonly type: MessageType
  readonly json: string
}

export interface LogBatch {
  readonly sessionId: string
  /** Sequence number of the first draft; the runner counts (L1). */
  readonly firstSeq: number
  /** When, milliseconds since 1970. */
  readonly at: number
  readonly drafts: readonly LogDraft[]
  /** JSON, stored for the session in the same transaction: how far its input was turned into messages. */
  readonly progress?: string
}

/** A stored message as text, ready to be sent: `{"sessionId":..,"seq":..,"at":..,"type":..,...}`. */
export interface LogEntry {
  readonly seq: number
  readonly json: string
}

export interface LogPage {
  readonly sessionId: string
  /** Gives messages with a higher sequence number. */
  readonly after: number
  readonly limit: number
  /** Ends the page with the first message that reaches this size. */
  readonly maxBytes?: number
}

export interface MessagePlace {
  readonly sessionId: string
  readonly seq: number
}

/** Reads logs, wherever they are: in the database or in the archive. */
export interface LogReader {
  /**
   * Messages in order, without a gap; none when there are none (yet).
   * @throws TroupeError LOG_DROPPED, LOG_ARCHIVE
   */
  page(page: LogPage): Promise<readonly LogEntry[]>
  /**
   * JSON text of the whole body of a message, if there is one.
   * @throws TroupeError LOG_DROPPED, LOG_ARCHIVE
   */
  body(place: MessagePlace): Promise<string | undefined>
}

export interface LogSubscriber {
  /**
   * Entries in order, each once (L4). The next call comes only after this one has settled: a slow subscriber makes
   * nobody else wait, it falls behind and is served from the database. Subscribers that keep up are given the same array,
   * which never changes: what is made of it can be shared.
   */
  entries(entries: readonly LogEntry[]): Promise<void>
  /** Live fragments; given only while the subscriber keeps up. */
  delta?(delta: Delta): void
  ended(end: { reason: 'ended' | 'slow' | 'failed'; resumeFrom: number; error?: unknown }): void
}

export interface SessionLog extends LogReader, AsyncDisposable {
  /**
   * Settles after the commit (L3). Messages up to the last stored one are skipped, so that a batch can be offered again (L2).
   * @throws TroupeError LOG_GAP when the batch does not join on.
   */
  append(batch: LogBatch): Promise<void>
  delta(delta: Delta): void
  /** Says that no more will come: subscribers that have everything get `ended`. */
  close(sessionId: string): void
  /** @throws TroupeError LOG_DROPPED, LOG_ARCHIVE */
  search(query: LogQuery): Promise<LogMatches>
  subscribe(options: { sessionId: string; after: number; deltas?: boolean }, subscriber: LogSubscriber): Disposable
}
