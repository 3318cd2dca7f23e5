/**
 * Wakes those who wait for a folder to change. Owns one watcher and one timer.
 *
 * A wait is begun before looking, never after: `const change = watch.next(); look(); await change` misses nothing.
 */
import { type FSWatcher, watch } from 'node:fs'
import type { Clock } from '../base/clock.ts'

/** A watcher may lose events, or see none on some file systems; this bounds how late that is noticed. */
const POLL_MS = 1_000
/** Where the system reports changes late (macOS) or has no watcher left to give. */
const FAST_POLL_MS = 100

export class FolderWatch implements Disposable {
  readonly #clock: Clock
  readonly #watcher: FSWatcher | undefined
  #poll: Disposable | undefined
  #change = Promise.withResolvers<void>()
  #closed = false

  constructor(folder: string, clock: Clock) {
    this.#clock = clock
    this.#watcher = this.#open(folder)
    this.#pollIn(this.#watcher && process.platform === 'linux' ? POLL_MS : FAST_POLL_MS)
  }

  /** Settles at the next change, poll or `wake`; at once after the end. */
  next(): Promise<void> {
    return this.#closed ? Promise.resolve() : this.#change.promise
  }

  wake(): void {
    const change = this.#change
    this.#change = Promise.withResolvers()
    change.resolve()
  }

  [Symbol.dispose](): void {
    this.#closed = true
    this.#watcher?.close()
    this.#poll?.[Symbol.dispose]()
    this.wake()
  }

  #open(folder: string): FSWatcher | undefined {
    try {
      // An error later on (the folder was removed) leaves the poll.
      return watch(folder, () => this.wake()).on('error', () => {})
    } catch {
      return undefined
    }
  }

  #pollIn(ms: number): void {
    this.#poll = this.#clock.after(ms, () => {
      this.wake()
      if (!this.#closed) this.#pollIn(ms)
    })
  }
}
