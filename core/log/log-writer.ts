/**
 * Writes batches of all sessions, many in one transaction.
 *
 * Owns the open group, which takes batches, and the write that may be under way.
 * - W1 There is one write in `flushMs`, and a few at once after a rest, so that the first words of an agent do not wait; a large
 *   group begins without waiting. Writes come one after the other, and others have a turn between two. A write takes what has
 *   come by then; the first after a rest does not wait for the end of the turn.
 * - W2 What fails takes with it all that was accepted after it for the same session, so that a log has no gap (L1).
 * - W3 A batch settles after its commit (L2).
 */
import type { Clock } from '../base/clock.ts'
import { TroupeError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { Logger } from '../base/logger.ts'
import type { Store } from '../store/store.ts'
import { addToPart, freshDrafts, type Group, isLarge, partOf, type Part, takeParts, writeParts } from './log-group.ts'
import { commitMessages, type LogSession, revertOffered } from './log-session.ts'
import type { LogBatch } from './types.ts'

export interface LogWriterDeps {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  /** Batches that come sooner after a write began are gathered for the next one. */
  readonly flushMs: number
}

/** Writes that begin at once after a rest. */
const AT_ONCE = 4

type Phase =
  | { readonly kind: 'resting' }
  | { readonly kind: 'gathering'; readonly timer: Disposable }
  | { readonly kind: 'writing'; readonly done: Promise<void> }

const RESTING: Phase = { kind: 'resting' }

export class LogWriter {
  readonly #deps: LogWriterDeps
  /** The newest part of each session that is not settled. */
  readonly #unsettled = new Map<LogSession, Part>()
  readonly #open: Group = new Map()
  #phase: Phase = RESTING
  /** When the next write would begin if all came evenly, on the clock of `performance`: that one is never set back. */
  #evenly = -Infinity

  constructor(deps: LogWriterDeps) {
    this.#deps = deps
  }

  /**
   * Accepts a batch of a loaded session; settles after its commit.
   * @throws TroupeError LOG_GAP, or what the store throws.
   */
  async write(session: LogSession, batch: LogBatch): Promise<void> {
    const fresh = freshDrafts(session, batch)
    if (!fresh) return this.#unsettled.get(session)?.written.promise
    const part = partOf(this.#open, session)
    this.#unsettled.set(session, part)
    addToPart(part, { batch, fresh })
    this.#schedule()
    return part.written.promise
  }

  /** Settles when all that was accepted is committed or has failed. */
  async flush(): Promise<void> {
    while (this.#open.size > 0 || this.#phase.kind === 'writing') {
      await (this.#phase.kind === 'writing' ? this.#phase.done : this.#begin())
    }
  }

  // W1
  #schedule(): void {
    if (this.#phase.kind === 'writing' || this.#open.size === 0) return
    const early = this.#evenly - (AT_ONCE - 1) * this.#deps.flushMs
    const wait = isLarge(this.#open) ? 0 : early - performance.now()
    if (wait <= 0) void this.#begin()
    else if (this.#phase.kind === 'resting') {
      const timer = this.#deps.clock.after(wait, () => void this.#begin())
      this.#phase = { kind: 'gathering', timer }
    }
  }

  /** Begins a write; none is under way. */
  #begin(): Promise<void> {
    if (this.#phase.kind === 'gathering') this.#phase.timer[Symbol.dispose]()
    const done = this.#write()
    this.#phase = { kind: 'writing', done }
    return done
  }

  async #write(): Promise<void> {
    if (performance.now() < this.#evenly) await endOfTurn()
    this.#evenly = Math.max(this.#evenly, performance.now()) + this.#deps.flushMs
    await this.#commit(takeParts(this.#open))
    this.#phase = RESTING
    this.#schedule()
  }

  async #commit(parts: readonly Part[]): Promise<void> {
    try {
      faultPoint('log.append-due')
      await this.#deps.store.transaction((tx) => writeParts(tx, parts))
      faultPoint('log.appended')
    } catch (error) {
      if (parts.length === 1 || isStoreFailure(error)) return this.#fail(parts, error)
      // One of them cannot be stored, for example because its task was deleted: the others must not suffer.
      for (const part of parts) await this.#commit([part])
      return
    }
    for (const part of parts) this.#succeed(part)
  }

  #succeed(part: Part): void {
    this.#settle(part)
    commitMessages(part.session, part.messages)
    part.written.resolve()
  }

  #fail(parts: readonly Part[], error: unknown): void {
    const sessions = parts.map((part) => part.session.id)
    this.#deps.logger.error({ err: error, sessions }, 'Messages could not be stored.')
    for (const part of parts) {
      // W2
      const later = this.#open.get(part.session)
      this.#open.delete(part.session)
      this.#settle(later ?? part)
      revertOffered(part.session)
      part.written.reject(error)
      later?.written.reject(error)
    }
  }

  #settle(part: Part): void {
    if (this.#unsettled.get(part.session) === part) this.#unsettled.delete(part.session)
  }
}

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The database as a whole failed; nothing is wrong with a single row. */
const isStoreFailure = (error: unknown): boolean => error instanceof TroupeError && error.code.startsWith('STORE_')
