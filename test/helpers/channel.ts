/** A queue that is filled at one end and iterated once at the other. */
export class Channel<T> implements AsyncIterable<T> {
  readonly #items: T[] = []
  #closed = false
  #wake = Promise.withResolvers<void>()

  push(item: T): void {
    this.#items.push(item)
    this.#wake.resolve()
  }

  /** What was pushed before is still given. */
  close(): void {
    this.#closed = true
    this.#wake.resolve()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      const item = this.#items.shift()
      if (item !== undefined) yield item
      else if (this.#closed) return
      else await this.#nextPush()
    }
  }

  async #nextPush(): Promise<void> {
    await this.#wake.promise
    this.#wake = Promise.withResolvers()
  }
}
