/**
 * The newest pages of one log, for subscribers near its end: they are served without a look at the database.
 *
 * Owns what was committed last, a page for each commit.
 * - R1 The pages join on: each begins right after the one before.
 * - R2 All who stand at the same place are given the same array, so that what is made of a page can be made once.
 * - R3 At most `MOST_BYTES` of text are kept, and in any case the newest page, which a commit bounds (L5).
 * - R4 Nothing is kept for who cannot be served from here: one that has stopped to read would make every page grow old.
 */
import type { LogEntry } from './types.ts'

const MOST_BYTES = 1024 * 1024

interface Page {
  readonly entries: readonly LogEntry[]
  readonly first: number
  readonly last: number
  readonly bytes: number
}

export class RecentPages {
  #pages: Page[] = []
  #bytes = 0

  /** Adds the entries of a commit. */
  add(entries: readonly LogEntry[]): void {
    const [first, last] = [entries.at(0), entries.at(-1)]
    if (!first || !last) return
    if (this.#pages.at(-1)?.last !== first.seq - 1) this.clear() // R1
    const bytes = entries.reduce((sum, { json }) => sum + json.length, 0)
    this.#pages.push({ entries, first: first.seq, last: last.seq, bytes })
    this.#bytes += bytes
    while (this.#bytes > MOST_BYTES && this.#pages.length > 1) this.#dropOldest() // R3
  }

  /** What comes right after a cursor, up to the end of its page; undefined when that is not here (any more). */
  after(cursor: number): readonly LogEntry[] | undefined {
    const page = this.#pages.find(({ last }) => last > cursor)
    if (!page || cursor < page.first - 1) return undefined
    return cursor < page.first ? page.entries : page.entries.slice(cursor - page.first + 1) // R2
  }

  /** Drops what nobody who stands at one of these cursors can be given. */
  keepFor(cursors: Iterable<number>): void {
    const reached = (this.#pages[0]?.first ?? Infinity) - 1
    let least = Infinity
    for (const cursor of cursors) if (cursor >= reached) least = Math.min(least, cursor) // R4
    for (let oldest = this.#pages[0]; oldest && oldest.last <= least; oldest = this.#pages[0]) this.#dropOldest()
  }

  clear(): void {
    this.#pages = []
    this.#bytes = 0
  }

  #dropOldest(): void {
    this.#bytes -= this.#pages.shift()?.bytes ?? 0
  }
}
