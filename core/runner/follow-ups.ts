/** A queue that one reader iterates: what people say to an agent while it works. */
export class FollowUps implements AsyncIterable<{ readonly content: string }> {
  readonly #waiting: { readonly content: string }[] = []
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
    return this.#waiting.splice(0).map(({ content }) => content)
  }

  async *[Symbol.asyncIterator](): AsyncIterator<{ readonly content: string }> {
    for (;;) {
      const next = this.#waiting.shift()
      if (next) yield next
      else if (this.#closed) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
