/**
 * Notices that nothing was heard from an agent for too long; several can be silent for ever.
 *
 * Owns one timer for all watched sessions, set for the first of them that could be due.
 */
import type { Clock } from '../base/clock.ts'

export interface Watched {
  /** 0 is for ever. */
  readonly idleMs: number
  /** True while silence is right, for example while a person is asked. When that ends, say `heard()`: this is only looked at when it is due. */
  readonly excused: () => boolean
  readonly onIdle: () => void
}

export interface IdleWatch extends Disposable {
  /** Something was heard. Cheap: the timer is not touched. */
  heard(): void
}

interface Entry {
  readonly watched: Watched
  lastHeard: number
}

export class IdleWatches implements Disposable {
  readonly #clock: Clock
  readonly #entries = new Set<Entry>()
  #timer: Disposable | undefined
  #dueAt = Number.POSITIVE_INFINITY

  constructor(clock: Clock) {
    this.#clock = clock
  }

  watch(watched: Watched): IdleWatch {
    const entry: Entry = { watched, lastHeard: this.#clock.steady() }
    if (watched.idleMs > 0) {
      this.#entries.add(entry)
      this.#wakeAt(entry.lastHeard + watched.idleMs)
    }
    return {
      heard: () => void (entry.lastHeard = this.#clock.steady()),
      [Symbol.dispose]: () => void this.#entries.delete(entry),
    }
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]()
    this.#entries.clear()
  }

  #wakeAt(at: number): void {
    if (at >= this.#dueAt) return
    this.#timer?.[Symbol.dispose]()
    this.#dueAt = at
    this.#timer = this.#clock.after(Math.max(at - this.#clock.steady(), 0), () => this.#look())
  }

  #look(): void {
    this.#dueAt = Number.POSITIVE_INFINITY
    const now = this.#clock.steady()
    for (const entry of this.#entries) {
      const { idleMs, excused, onIdle } = entry.watched
      if (excused()) entry.lastHeard = now
      const dueAt = entry.lastHeard + idleMs
      if (dueAt > now) this.#wakeAt(dueAt)
      else {
        this.#entries.delete(entry)
        onIdle()
      }
    }
  }
}
