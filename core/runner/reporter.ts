/** Reports of one session, one after another; one that the database refuses is offered again until the host goes. */
import { backoffMs } from '../base/backoff.ts'
import type { Logger } from '../base/logger.ts'
import { sleep } from '../base/waiting.ts'
import type { SessionReport } from '../engine/ports.ts'

const RETRY = { firstMs: 50, maxMs: 5000 }

/** Settles after the commit; a report of one id is taken once. */
type Deliver = (report: SessionReport, id?: string) => Promise<void>

export class Reporter {
  readonly #deliver: Deliver
  readonly #logger: Logger
  readonly #signal: AbortSignal
  #tail: Promise<void> = Promise.resolve()

  constructor(deliver: Deliver, logger: Logger, signal: AbortSignal) {
    this.#deliver = deliver
    this.#logger = logger
    this.#signal = signal
  }

  /** Settles when the report is committed, or when the host gave up. Never rejects. */
  report(report: SessionReport, id?: string): Promise<void> {
    this.#tail = this.#tail.then(() => this.#deliverUntilDone(report, id))
    return this.#tail
  }

  async #deliverUntilDone(report: SessionReport, id: string | undefined): Promise<void> {
    for (let attempt = 0; !this.#signal.aborted; attempt += 1) {
      try {
        return await this.#deliver(report, id)
      } catch (error) {
        this.#logger.warn({ err: error, report: report.type, attempt }, 'A report was not stored; it is offered again.')
        await sleep(backoffMs(RETRY, attempt), this.#signal).catch(() => {})
      }
    }
  }
}
