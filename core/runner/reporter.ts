/**
 * Reports of one session, one after another; one that the database refuses is offered again until the host goes.
 *
 * - R1 Reports are delivered in the order of the calls.
 * - R2 One that nobody waits for may come later: what the agent says first is stored and shown before it.
 */
import { backoffMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { sleep } from '../base/waiting.ts'
import type { SessionReport } from '../engine/ports.ts'

const RETRY = { firstMs: 50, maxMs: 5000 }
/** About as long as an agent that is quick takes to its first words. */
const LATER_MS = 20

export interface ReporterOptions {
  /** Settles after the commit; a report of one id is taken once. */
  readonly deliver: (report: SessionReport, id?: string) => Promise<void>
  readonly clock: Clock
  readonly logger: Logger
  /** Aborts when the host gives up. */
  readonly signal: AbortSignal
}

export class Reporter {
  readonly #options: ReporterOptions
  #tail: Promise<void> = Promise.resolve()
  /** Ends the wait of those that may come later. */
  #hurry: (() => void) | undefined

  constructor(options: ReporterOptions) {
    this.#options = options
  }

  /** Settles when the report is committed, or when the host gave up. Never rejects. */
  report(report: SessionReport, id?: string): Promise<void> {
    this.#hurry?.() // R1
    this.#tail = this.#tail.then(() => this.#deliverUntilDone(report, id))
    return this.#tail
  }

  /** The same for a report that nobody waits for. // R2 */
  reportLater(report: SessionReport, id?: string): Promise<void> {
    this.#tail = Promise.all([this.#tail, this.#moment()]).then(() => this.#deliverUntilDone(report, id))
    return this.#tail
  }

  /** Settles when all that was reported is delivered; what may come later comes now. */
  settled(): Promise<void> {
    this.#hurry?.()
    return this.#tail
  }

  #moment(): Promise<void> {
    this.#hurry?.()
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = this.#options.clock.after(LATER_MS, resolve)
    this.#hurry = () => {
      timer[Symbol.dispose]()
      resolve()
    }
    return promise
  }

  async #deliverUntilDone(report: SessionReport, id: string | undefined): Promise<void> {
    const { deliver, logger, signal } = this.#options
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      try {
        return await deliver(report, id)
      } catch (error) {
        logger.warn({ err: error, report: report.type, attempt }, 'A report was not stored; it is offered again.')
        await sleep(backoffMs(RETRY, attempt), signal).catch(() => {})
      }
    }
  }
}
