/** Lets a few be at the same thing at a time; the others wait in their order. */
export class Gate {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(places: number) {
    this.#free = places
  }

  /** Settles with a place, to be disposed of; without one as soon as the signal aborts. */
  async enter(signal: AbortSignal): Promise<Disposable> {
    if (signal.aborted) return { [Symbol.dispose]() {} }
    if (this.#free > 0) this.#free -= 1
    else if (!(await this.#turn(signal))) return { [Symbol.dispose]() {} }
    let held = true
    return {
      [Symbol.dispose]: () => {
        if (held) this.#leave()
        held = false
      },
    }
  }

  /** False when the signal came first. */
  async #turn(signal: AbortSignal): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const enter = () => resolve(true)
    const giveUp = () => resolve(!this.#waiting.delete(enter))
    this.#waiting.add(enter)
    signal.addEventListener('abort', giveUp, { once: true })
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', giveUp)
    }
  }

  #leave(): void {
    const [next] = this.#waiting
    if (!next) return void (this.#free += 1)
    this.#waiting.delete(next)
    next()
  }
}
