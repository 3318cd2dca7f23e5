/** Gives `work` its turn. @throws the reason of `signal` when it aborts before that; the work is then never begun. */
export type InTurn = <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>

/** Lets a bounded number of pieces of work be under way; the others begin in the order of their arrival. */
export function makeTurns(most: number): InTurn {
  let free = most
  const waiting = new Set<() => void>()

  function giveBack(): void {
    const [next] = waiting
    if (next) next()
    else free += 1
  }

  function turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const leave = () => {
        waiting.delete(begin)
        signal?.removeEventListener('abort', giveUp)
      }
      const begin = () => (leave(), resolve())
      const giveUp = () => (leave(), reject(signal?.reason))
      signal?.addEventListener('abort', giveUp)
      waiting.add(begin)
    })
  }

  return async (work, signal) => {
    if (free > 0) free -= 1
    else await turn(signal)
    try {
      return await work()
    } finally {
      giveBack()
    }
  }
}
