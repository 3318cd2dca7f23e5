/**
 * Work by key: work of one key runs one after another in the order of arrival, different keys run side by side.
 * A key without work takes no memory (E7).
 */
export interface Lanes {
  /** Settles as `work` does; a failure does not disturb what waits behind it. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>
  /** Settles when no key has work any more. */
  idle(): Promise<void>
}

export function makeLanes(): Lanes {
  const tails = new Map<string, Promise<unknown>>()
  return {
    run(key, work) {
      const before = tails.get(key)
      const result = before ? before.then(work) : work()
      const tail = settled(result).then(() => {
        if (tails.get(key) === tail) tails.delete(key)
      })
      tails.set(key, tail)
      return result
    },
    async idle() {
      while (tails.size > 0) await Promise.all(tails.values())
    },
  }
}

const doNothing = () => {}
const settled = (work: Promise<unknown>) => work.then(doNothing, doNothing)
