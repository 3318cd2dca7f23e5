/** Exponential backoff with a ceiling and jitter. */

export interface Backoff {
  readonly firstMs: number
  readonly maxMs: number
}

/** Delay before try `attempt` (0 is the first repeat): doubles up to `maxMs`, then 50 to 100 % of it at random. */
export function backoffMs(backoff: Backoff, attempt: number, random: () => number = Math.random): number {
  const ceiling = Math.min(backoff.firstMs * 2 ** Math.min(attempt, 30), backoff.maxMs)
  return Math.round(ceiling * (0.5 + random() / 2))
}
