/**
 * Notices that nothing was heard from an agent for too long; several can be silent for ever.
 *
 * Owns one timer for all watched sessions, set for the first of them that could be due.
 */
import type { Clock } from '../base/clock.ts'

export interface Watched {
  /** 0 is for ever. */
  readonly idleMs: number
  readonly onIdle: () => void
}

export interface IdleWatch extends Disposable {
  /** Something was heard, or said to the agent. Cheap: the timer is not touched. */
  heard(): void
  /** Silence is right until this is disposed of, for example while a person is asked; it is counted from then. */
  excuse(): Disposable
}

interface Entry {
  readonly watched: Watched
  lastHeard: number
  excuses: number
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
    const entry: Entry = { watched, lastHeard: this.#clock.steady(), excuses: 0 }
    if (watched.idleMs > 0) {
      this.#entries.add(entry)
      this.#wakeAt(entry.lastHeard + watched.idleMs)
    }
    const heard = () => void (entry.lastHeard = this.#clock.steady())
    return {
      heard,
      excuse() {
        entry.excuses += 1
        return { [Symbol.dispose]: () => ((entry.excuses -= 1), heard()) }
      },
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
      const { idleMs, onIdle } = entry.watched
      const dueAt = (entry.excuses > 0 ? now : entry.lastHeard) + idleMs
      if (dueAt > now) this.#wakeAt(dueAt)
      else {
        this.#entries.delete(entry)
        onIdle()
      }
    }
  }
}
