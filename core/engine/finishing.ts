/**
 * Finishes effects that were handled: their rows go.
 *
 * Owns those that are handled and not yet finished. They go with the next transaction of the engine, mostly the very one that
 * the effect has led to, because a transaction of their own costs a flush of the disk; only when there is none for a moment
 * they get one. That moment is short where an effect waits behind it.
 * - F1 `add` settles after the commit: until then its actor runs no further effect (E3).
 * - F2 What a transaction that failed was to take along waits for the next.
 * - F3 On PostgreSQL none is taken along: rows of another actor in a step could deadlock with another server.
 */
import { sleep } from '../base/waiting.ts'
import { finishEffects } from '../store/effects.ts'
import type { Store } from '../store/store.ts'
import type { Tx } from '../store/tx.ts'

/** About as long as a session takes from its beginning to its next step. */
const MOMENT_MS = 50
/** Where something waits for it, or it is taken along by nothing (F3). */
const SHORT_MOMENT_MS = 5

interface Handled {
  readonly id: string
  readonly finished: PromiseWithResolvers<void>
}

export class Finishing implements Disposable {
  readonly #store: Store
  readonly #handled: Handled[] = []
  /** The moment that is being waited, and when it is over, on the clock of `performance`. */
  #waiting: AbortController | undefined
  #flushAt = Infinity

  constructor(store: Store) {
    this.#store = store
  }

  /**
   * Settles when the effect is finished. `awaited`: that shall be soon.
   * @throws TroupeError STORE_...; the effect then stays.
   */
  add(id: string, { awaited = false } = {}): Promise<void> {
    const finished = Promise.withResolvers<void>()
    this.#handled.push({ id, finished })
    this.#flushWithin(awaited || this.#store.driver !== 'sqlite' ? SHORT_MOMENT_MS : MOMENT_MS)
    return finished.promise
  }

  /** A transaction of the store that takes along what is to be finished. */
  async transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    let taken: readonly Handled[] = []
    try {
      const result = await this.#store.transaction(async (tx) => {
        const value = await work(tx)
        taken = this.#store.driver === 'sqlite' ? this.#take() : [] // F3
        if (taken.length > 0) await finishEffects(tx, toIds(taken))
        return value
      })
      for (const { finished } of taken) finished.resolve()
      return result
    } catch (error) {
      this.#putBack(taken) // F2
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.#waiting?.abort()
  }

  #flushWithin(ms: number): void {
    const at = performance.now() + ms
    if (this.#flushAt <= at) return
    this.#waiting?.abort()
    this.#flushAt = at
    this.#waiting = new AbortController()
    sleep(ms, this.#waiting.signal).then(
      () => this.#flush(),
      () => {},
    )
  }

  async #flush(): Promise<void> {
    const handled = this.#take()
    if (handled.length === 0) return
    try {
      // Also of an effect that another engine has taken over meanwhile: it is done.
      await this.#store.transaction((tx) => finishEffects(tx, toIds(handled)))
      for (const { finished } of handled) finished.resolve()
    } catch (error) {
      for (const { finished } of handled) finished.reject(error)
    }
  }

  #take(): readonly Handled[] {
    this.#waiting?.abort()
    this.#flushAt = Infinity
    return this.#handled.splice(0)
  }

  #putBack(handled: readonly Handled[]): void {
    if (handled.length === 0) return
    this.#handled.unshift(...handled)
    this.#flushWithin(SHORT_MOMENT_MS)
  }
}

const toIds = (handled: readonly Handled[]): string[] => handled.map(({ id }) => id)
