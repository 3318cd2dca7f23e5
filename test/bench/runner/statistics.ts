/** Figures of many measurements, as robust against a noisy machine as they can be. */

export interface Comparison {
  readonly value: number
  readonly baseline: number
  readonly ratio: number
  readonly difference: number
}

export interface Rounds {
  readonly rounds: number
  /** Rounds before those that count. Default 1. */
  readonly warmups?: number
}

type Measurement = () => Promise<number>

export const percentile = (figures: readonly number[], share: number): number =>
  figures.toSorted((a, b) => a - b)[Math.min(figures.length - 1, Math.floor(figures.length * share))] ?? Number.NaN

export const median = (figures: readonly number[]): number => percentile(figures, 0.5)

/**
 * Measures both in turns, each round the other one first, so that what drifts meets both. Ratio and difference are the
 * medians of those of the pairs.
 */
export async function alternate(
  { rounds, warmups = 1 }: Rounds,
  own: Measurement,
  bare: Measurement,
): Promise<Comparison> {
  const pairs: [number, number][] = []
  for (let round = -warmups; round < rounds; round += 1) {
    const pair = await (round % 2 === 0 ? inOrder(own, bare) : inReverse(own, bare))
    if (round >= 0) pairs.push(pair)
  }
  return compare(pairs)
}

export const compare = (pairs: readonly (readonly [own: number, bare: number])[]): Comparison => ({
  value: median(pairs.map(([own]) => own)),
  baseline: median(pairs.map(([, bare]) => bare)),
  ratio: median(pairs.map(([own, bare]) => own / bare)),
  difference: median(pairs.map(([own, bare]) => own - bare)),
})

const inOrder = async (own: Measurement, bare: Measurement): Promise<[number, number]> => [await own(), await bare()]

async function inReverse(own: Measurement, bare: Measurement): Promise<[number, number]> {
  const baseline = await bare()
  return [await own(), baseline]
}

/** Milliseconds that the work takes. */
export async function timed(work: () => unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}
