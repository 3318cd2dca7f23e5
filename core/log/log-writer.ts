/**
 * Writes batches of all sessions, many in one transaction.
 *
 * Owns the open group, which takes batches, and the one group that may be under way.
 * - W1 The open group is due `flushMs` after its first batch or when it is large; groups commit one after the other.
 * - W2 What fails takes with it all that was accepted after it for the same session, so that a log has no gap (L1).
 * - W3 A batch settles after its commit (L2).
 */
import type { Clock } from '../base/clock.ts'
import { TroupeError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { Logger } from '../base/logger.ts'
import type { Store } from '../store/store.ts'
import { freshDrafts, type Group, isLarge, newGroup, partOf, type Part, addToPart, writeParts } from './log-group.ts'
import { commitMessages, type LogSession, revertOffered } from './log-session.ts'
import type { LogBatch } from './types.ts'

export interface LogWriterDeps {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  /** How long batches are gathered for one transaction. */
  readonly flushMs: number
}

export class LogWriter {
  readonly #deps: LogWriterDeps
  /** The newest part of each session that is not settled. */
  readonly #unsettled = new Map<LogSession, Part>()
  #open: Group = newGroup()
  #timer: Disposable | undefined
  #underWay: Promise<void> | undefined

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
    addToPart(this.#open, part, { batch, fresh })
    this.#schedule()
    return part.written.promise
  }

  /** Settles when all that was accepted is committed or has failed. */
  async flush(): Promise<void> {
    while (this.#open.parts.size > 0 || this.#underWay) {
      this.#closeGroup()
      await this.#underWay
    }
  }

  // W1
  #schedule(): void {
    if (isLarge(this.#open)) this.#closeGroup()
    else this.#timer ??= this.#deps.clock.after(this.#deps.flushMs, () => this.#closeGroup())
  }

  #closeGroup(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
    this.#open.due = true
    this.#underWay ??= this.#writeDue()
  }

  async #writeDue(): Promise<void> {
    while (this.#open.due) {
      const group = this.#open
      this.#open = newGroup()
      await this.#commit([...group.parts.values()])
    }
    this.#underWay = undefined
  }

  async #commit(parts: readonly Part[]): Promise<void> {
    if (parts.length === 0) return
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
      const later = this.#open.parts.get(part.session)
      this.#open.parts.delete(part.session)
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

/** The database as a whole failed; nothing is wrong with a single row. */
const isStoreFailure = (error: unknown): boolean => error instanceof TroupeError && error.code.startsWith('STORE_')
