/**
 * Retention: once a day the logs that the user no longer wants in the database leave it. `retire-logs.ts` has the rules.
 *
 * Owns the timer and the one run that may be under way.
 */
import { TroupeError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { LeftLogs } from './left-logs.ts'
import { type RetentionPolicy, type RetentionResult, type RetireDeps, retireLogs } from './retire-logs.ts'

export type { RetentionPolicy } from './retire-logs.ts'

export interface Retention extends AsyncDisposable {
  /**
   * Settles when the policy holds; joins a run that is under way.
   * @throws TroupeError ABORTED, STORE_...; LOG_ARCHIVE when a log could not be archived, after all others were.
   */
  run(): Promise<RetentionResult>
  /** Removes the archives of sessions that are about to be deleted. */
  discard(sessionIds: readonly string[]): Promise<void>
}

export interface RetentionOptions extends Omit<RetireDeps, 'left'> {
  readonly logger: Logger
  /** Read anew for each run. */
  readonly policy: () => RetentionPolicy
}

const FIRST_RUN_MS = 60_000
const DAY_MS = 24 * 60 * 60_000

export const openRetention = (options: RetentionOptions): Retention => new TimedRetention(options)

class TimedRetention implements Retention {
  readonly #options: RetentionOptions
  readonly #closing = new AbortController()
  readonly #left: LeftLogs
  #timer: Disposable
  #running: Promise<RetentionResult> | undefined

  constructor(options: RetentionOptions) {
    this.#options = options
    this.#left = new LeftLogs(options.logger)
    this.#timer = options.clock.after(FIRST_RUN_MS, () => void this.#runDaily())
  }

  async run(): Promise<RetentionResult> {
    const result = await this.#join({ all: true })
    if (this.#left.reason) throw this.#left.reason
    return result
  }

  async discard(sessionIds: readonly string[]): Promise<void> {
    for (const id of sessionIds) await this.#options.archive.remove(id)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer[Symbol.dispose]()
    this.#closing.abort(new TroupeError('ABORTED', 'Troupe is shutting down; retention goes on at the next start.'))
    await this.#running?.catch(() => {})
  }

  #join(which: { readonly all: boolean }): Promise<RetentionResult> {
    this.#running ??= this.#retire(which).finally(() => (this.#running = undefined))
    return this.#running
  }

  async #retire(which: { readonly all: boolean }): Promise<RetentionResult> {
    const left = this.#left
    left.begin(which)
    return retireLogs({ ...this.#options, left }, this.#options.policy(), this.#closing.signal)
  }

  async #runDaily(): Promise<void> {
    const { clock, logger } = this.#options
    this.#timer = clock.after(DAY_MS, () => void this.#runDaily())
    try {
      const result = await this.#join({ all: false })
      if (result.archived + result.dropped > 0) logger.info(result, 'Logs of finished tasks left the database.')
    } catch (error) {
      if (!this.#closing.signal.aborted) logger.warn({ err: error }, 'Retention did not finish; it goes on tomorrow.')
    }
  }
}
