/**
 * Tells those who watch a folder of changes in it. Owns one watcher for each folder and one timer for all.
 *
 * A change may be told twice or without a cause; what a watcher loses, or never sees, is made up by a regular call.
 */
import { type FSWatcher, watch } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'

/** A watcher may lose events, and none tells of a process killed; this bounds how late that is noticed. */
const POLL_MS = 2_000
/** Where the system reports changes late (macOS) or has no watcher left to give. */
const FAST_POLL_MS = 200
/** Called between two turns of the event loop: about a millisecond. */
const CALLS_AT_ONCE = 64

/** With the name of a file that changed, or without one: look at everything. */
export type OnChange = (file: string | undefined) => void

interface Watched {
  readonly onChange: OnChange
  readonly watcher: FSWatcher | undefined
}

export class FolderWatches {
  readonly #clock: Clock
  readonly #watched = new Set<Watched>()
  #timer: Disposable | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls until it is disposed. */
  watch(folder: string, onChange: OnChange): Disposable {
    const watched = { onChange, watcher: openWatcher(folder, onChange) }
    this.#watched.add(watched)
    if (this.#watched.size === 1) this.#schedule()
    return { [Symbol.dispose]: () => this.#end(watched) }
  }

  #end(watched: Watched): void {
    watched.watcher?.close()
    this.#watched.delete(watched)
    if (this.#watched.size === 0) this.#timer?.[Symbol.dispose]()
  }

  #schedule(): void {
    this.#timer?.[Symbol.dispose]()
    const reliable = process.platform === 'linux' && this.#watched.values().every(({ watcher }) => watcher)
    this.#timer = this.#clock.after(reliable ? POLL_MS : FAST_POLL_MS, () => void this.#poll())
  }

  async #poll(): Promise<void> {
    let calls = 0
    for (const { onChange } of this.#watched) {
      onChange(undefined)
      if (++calls % CALLS_AT_ONCE === 0) await setImmediate()
    }
    if (this.#watched.size > 0) this.#schedule()
  }
}

function openWatcher(folder: string, onChange: OnChange): FSWatcher | undefined {
  try {
    // An error later on (the folder was removed) leaves the regular call.
    return watch(folder, { persistent: false }, (_, file) => onChange(file ?? undefined)).on('error', () => {})
  } catch {
    return undefined
  }
}
