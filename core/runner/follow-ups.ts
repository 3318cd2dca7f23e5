/** A queue that one reader iterates: what people say to an agent while it works. */
export class FollowUps implements AsyncIterable<{ readonly content: string }> {
  readonly #waiting: { readonly content: string }[] = []
  #wake: (() => void) | undefined
  #closed = false

  push(content: string): void {
    if (this.#closed) return
    this.#waiting.push({ content })
    this.#wake?.()
  }

  close(): void {
    this.#closed = true
    this.#wake?.()
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
