/**
 * What people say to an agent while it works, in order, for one reader at a time.
 *
 * 1. What was accepted is either acknowledged, or given back by `close`. A reader acknowledges one by asking for the next,
 *    since it may end in between.
 * 2. A new reader takes the place of the one before, and begins with what that one did not acknowledge.
 */
import type { FollowUp } from '../plugin/contract/io.ts'

export interface FollowUpsOptions {
  /** Accepted by an earlier host, and not acknowledged. */
  readonly unread: readonly FollowUp[]
  readonly onRead: (id: string) => void
}

const DONE = { done: true, value: undefined } as const

export class FollowUps implements AsyncIterable<FollowUp> {
  readonly #unread: FollowUp[]
  readonly #onRead: (id: string) => void
  #reader: Reader | undefined
  #closed = false

  constructor({ unread, onRead }: FollowUpsOptions) {
    this.#unread = [...unread]
    this.#onRead = onRead
  }

  get closed(): boolean {
    return this.#closed
  }

  /** False when nobody reads any more. */
  push(followUp: FollowUp): boolean {
    if (this.#closed) return false
    this.#unread.push(followUp)
    this.#reader?.wake()
    return true
  }

  /** Nobody reads on; gives what was not acknowledged. */
  close(): FollowUp[] {
    this.#closed = true
    this.#reader?.end()
    return this.#unread.splice(0)
  }

  [Symbol.asyncIterator](): AsyncIterator<FollowUp> {
    this.#reader?.end()
    const reader = new Reader(this.#unread, this.#onRead)
    if (this.#closed) reader.end()
    else this.#reader = reader
    return reader
  }
}

class Reader implements AsyncIterator<FollowUp> {
  readonly #unread: FollowUp[]
  readonly #onRead: (id: string) => void
  #handed: FollowUp | undefined
  #waiting: ((result: IteratorResult<FollowUp>) => void) | undefined
  #over = false

  constructor(unread: FollowUp[], onRead: (id: string) => void) {
    this.#unread = unread
    this.#onRead = onRead
  }

  async next(): Promise<IteratorResult<FollowUp>> {
    this.#acknowledge()
    if (this.#over) return DONE
    return this.#hand() ?? new Promise((resolve) => (this.#waiting = resolve))
  }

  async return(): Promise<IteratorResult<FollowUp>> {
    this.end()
    return DONE
  }

  wake(): void {
    if (!this.#waiting) return
    const result = this.#hand()
    if (result) this.#settle(result)
  }

  end(): void {
    this.#over = true
    this.#settle(DONE)
  }

  #hand(): IteratorResult<FollowUp> | undefined {
    const [value] = this.#unread
    if (!value) return undefined
    this.#handed = value
    return { done: false, value }
  }

  #acknowledge(): void {
    if (!this.#handed || this.#over) return
    this.#unread.shift()
    this.#onRead(this.#handed.id)
    this.#handed = undefined
  }

  #settle(result: IteratorResult<FollowUp>): void {
    this.#waiting?.(result)
    this.#waiting = undefined
  }
}
