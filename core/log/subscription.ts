/**
 * One subscriber of one session.
 *
 * Owns its cursor, the one call of `entries` that may be outstanding, and a few held fragments.
 * - S1 It pulls: a page is taken, from the last commits or the stored log, when the call before has settled (L4, L5).
 * - S2 A fragment that came after message n is given when n has been delivered and n + 1 has not, or never.
 * - S3 When it is over, nothing is called any more.
 */
import type { Clock } from '../base/clock.ts'
import type { TroupeError } from '../base/errors.ts'
import type { Delta } from '../contract/messages.ts'
import { dropTaken, isComplete, type LogListener, type LogSession } from './log-session.ts'
import type { LogEntry, LogReader, LogSubscriber } from './types.ts'

const PAGE = { limit: 500, maxBytes: 1024 * 1024 }
/** Fragments are superseded by the whole text: past this many they are not worth their memory. */
const MOST_HELD = 256

export interface SubscriptionDeps {
  readonly reader: LogReader
  readonly clock: Clock
  /** How long one call of `entries` may take. */
  readonly slowMs: number
}

export interface SubscriptionOptions {
  readonly session: LogSession
  /** The last message that the subscriber has. */
  readonly after: number
  readonly deltas: boolean
  readonly subscriber: LogSubscriber
  /** Called once, when it is over. */
  readonly onOver: (subscription: Subscription) => void
}

interface HeldDelta {
  /** The last message that was there before it. */
  readonly after: number
  readonly delta: Delta
}

export class Subscription implements LogListener {
  readonly #options: SubscriptionOptions
  readonly #deps: SubscriptionDeps
  #cursor: number
  #held: HeldDelta[] = []
  #phase: 'waiting' | 'running' | 'over' = 'waiting'

  constructor(options: SubscriptionOptions, deps: SubscriptionDeps) {
    this.#options = options
    this.#deps = deps
    this.#cursor = options.after
  }

  get cursor(): number {
    return this.#cursor
  }

  /** There may be something to do: a commit, or the end. */
  wake(): void {
    if (this.#phase === 'waiting') void this.#run()
  }

  delta(delta: Delta): void {
    if (this.#phase === 'over' || !this.#options.deltas) return
    if (this.#held.length >= MOST_HELD) this.#held = []
    this.#held.push({ after: this.#options.session.offered, delta })
    if (this.#phase === 'waiting') this.#releaseDeltas()
  }

  /** Ends it from the side of the log. */
  abort(error: TroupeError): void {
    this.#end('failed', error)
  }

  /** Ends it from the side of the subscriber. */
  cancel(): void {
    this.#finish()
  }

  /** Works until it has caught up. No `await` lies between seeing that and `waiting`, so that no wake is missed. */
  async #run(): Promise<void> {
    this.#phase = 'running'
    try {
      await this.#options.session.loaded
      while (this.#isRunning() && !this.#hasCaughtUp()) await this.#deliverNext()
    } catch (error) {
      this.#end('failed', error)
    } finally {
      if (this.#isRunning()) this.#phase = 'waiting'
    }
  }

  #isRunning(): boolean {
    return this.#phase === 'running'
  }

  #hasCaughtUp(): boolean {
    this.#releaseDeltas()
    const { session } = this.#options
    if (this.#cursor < session.committed) return false
    if (isComplete(session)) this.#end('ended')
    return true
  }

  async #deliverNext(): Promise<void> {
    const { session } = this.#options
    const page = session.recent.after(this.#cursor) ?? (await this.#readPage())
    if (!this.#isRunning()) return
    const last = page.at(-1)
    // Nothing where something was: the log was deleted together with its task.
    if (!last) return this.#end('ended')
    if (!(await this.#deliver(page))) return
    this.#cursor = last.seq
    dropTaken(session)
  }

  #readPage(): Promise<readonly LogEntry[]> {
    const sessionId = this.#options.session.id
    return this.#deps.reader.page({ sessionId, after: this.#cursor, ...PAGE })
  }

  /** Gives false when it is over: too slow, or the subscriber is gone. */
  async #deliver(page: readonly LogEntry[]): Promise<boolean> {
    const bound = this.#deps.clock.after(this.#deps.slowMs, () => this.#end('slow'))
    try {
      await this.#options.subscriber.entries(page)
      return this.#isRunning()
    } catch {
      this.#finish()
      return false
    } finally {
      bound[Symbol.dispose]()
    }
  }

  // S2
  #releaseDeltas(): void {
    if (this.#held.length === 0) return
    const due = this.#held.filter((one) => one.after === this.#cursor)
    this.#held = this.#held.filter((one) => one.after > this.#cursor)
    for (const { delta } of due) this.#options.subscriber.delta?.(delta)
  }

  #end(reason: 'ended' | 'slow' | 'failed', error?: unknown): void {
    if (!this.#finish()) return
    this.#options.subscriber.ended({ reason, resumeFrom: this.#cursor, ...(error !== undefined && { error }) })
  }

  // S3
  #finish(): boolean {
    if (this.#phase === 'over') return false
    this.#phase = 'over'
    this.#held = []
    this.#options.onOver(this)
    return true
  }
}
