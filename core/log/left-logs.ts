/**
 * Logs that could not be archived, so that one of them does not keep the others in the database, and is told once.
 *
 * Owns which they are, and how many of the coming runs go without each: after it has failed again, twice as many as before. What
 * fails several times in a row is most likely not the logs' fault, and ends the run.
 */
import { TroupeError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'

const MOST_IN_A_ROW = 3
const MOST_RUNS = 30

interface Left {
  readonly failures: number
  /** Runs that go without it, the one in which it failed among them. */
  readonly rests: number
}

export class LeftLogs {
  readonly #logger: Logger
  readonly #left = new Map<string, Left>()
  #inARow = 0
  #first: TroupeError | undefined

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** `all`: none rests in this run. */
  begin({ all }: { readonly all: boolean }): void {
    this.#inARow = 0
    this.#first = undefined
    for (const [id, left] of this.#left) this.#left.set(id, { ...left, rests: all ? 0 : Math.max(left.rests - 1, 0) })
  }

  /** Not to be tried in this run. */
  resting(): string[] {
    return [...this.#left].flatMap(([id, { rests }]) => (rests > 0 ? [id] : []))
  }

  /** Why the first one of this run was left. */
  get reason(): TroupeError | undefined {
    return this.#first
  }

  archived(sessionId: string): void {
    this.#inARow = 0
    this.#left.delete(sessionId)
  }

  /** @throws `error` when it is not about this log, or others have failed just before it. */
  leave(sessionId: string, error: unknown): void {
    if (!(error instanceof TroupeError) || !['LOG_ARCHIVE', 'STORE_CORRUPT'].includes(error.code)) throw error
    const failures = (this.#left.get(sessionId)?.failures ?? 0) + 1
    this.#left.set(sessionId, { failures, rests: Math.min(2 ** (failures - 1), MOST_RUNS) })
    if (failures === 1) this.#logger.warn({ err: error, sessionId }, 'A log stays in the database; it is tried again.')
    this.#first ??= error
    this.#inARow += 1
    if (this.#inARow >= MOST_IN_A_ROW) throw error
  }
}
