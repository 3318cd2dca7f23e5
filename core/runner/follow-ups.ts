/**
 * A queue that one reader iterates: what people say to an agent while it works.
 *
 * 1. What was accepted is either read, or given back by `close`. Read is what the reader went on from: the last thing
 *    handed over counts only once the next one is asked for, since its reader may have ended in between.
 */
export interface FollowUp {
  readonly content: string
}

export class FollowUps implements AsyncIterable<FollowUp> {
  readonly #waiting: FollowUp[] = []
  #handed: FollowUp | undefined
  #wake: (() => void) | undefined
  #closed = false

  get closed(): boolean {
    return this.#closed
  }

  /** False when nobody reads any more. */
  push(content: string): boolean {
    if (this.#closed) return false
    this.#waiting.push({ content })
    this.#wake?.()
    return true
  }

  /** Nobody reads on; gives what was not read. */
  close(): string[] {
    this.#closed = true
    this.#wake?.()
    const unread = [...(this.#handed ? [this.#handed] : []), ...this.#waiting.splice(0)]
    this.#handed = undefined
    return unread.map(({ content }) => content)
  }

  async *[Symbol.asyncIterator](): AsyncIterator<FollowUp> {
    for (;;) {
      const next = this.#waiting.shift()
      if (next) {
        this.#handed = next
        yield next
        this.#handed = undefined
      } else if (this.#closed) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
