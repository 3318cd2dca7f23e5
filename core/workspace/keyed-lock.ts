/**
 * One holder at a time for each key.
 *
 * Owns a tail promise per key that is held or waited for; the entry goes with its last holder.
 */
export interface KeyedLock {
  /** Runs `work` after all earlier work of the same key has settled. Not reentrant. */
  run<T>(key: string, work: () => Promise<T>): Promise<T>
}

export function makeKeyedLock(): KeyedLock {
  const tails = new Map<string, Promise<unknown>>()
  return {
    async run(key, work) {
      const mine = (tails.get(key) ?? Promise.resolve()).then(work, work)
      tails.set(key, mine)
      try {
        return await mine
      } finally {
        if (tails.get(key) === mine) tails.delete(key)
      }
    },
  }
}
