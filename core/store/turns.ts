/**
 * Turns at the one connection of SQLite.
 *
 * Owns the order in which pieces of work run: one after the other, in the order of their arrival.
 * - T1 A piece of work begins only when the one before has settled.
 * - T2 One that waits longer than its bound is given up and never runs: most likely a transaction waits for one that
 *   was opened inside of it.
 */
import { TroupeError } from '../base/errors.ts'
import { within } from '../base/waiting.ts'

const LONGEST_WAIT_MS = 30_000

export interface Turns {
  run<T>(work: () => Promise<T>): Promise<T>
  /** Settles when all work offered so far has, or does not within the bound. */
  idle(): Promise<void>
}

export function makeTurns(longestWaitMs = LONGEST_WAIT_MS): Turns {
  let last: Promise<unknown> = Promise.resolve()

  async function run<T>(work: () => Promise<T>): Promise<T> {
    const before = last
    const done = Promise.withResolvers<void>()
    // T1: also when this one gives up, the next waits for the one before.
    last = before.then(() => done.promise)
    try {
      await turnOf(before, longestWaitMs)
      return await work()
    } finally {
      done.resolve()
    }
  }

  const idle = (): Promise<void> =>
    within(longestWaitMs, 'The last transaction', last).then(
      () => {},
      () => {},
    )

  return { run, idle }
}

async function turnOf(before: Promise<unknown>, longestWaitMs: number): Promise<void> {
  try {
    await within(longestWaitMs, 'The transaction before', before)
  } catch (cause) {
    const text = `The database was not free for ${longestWaitMs / 1000} s. If this repeats, restart Troupe and report it.`
    throw new TroupeError('STORE_BUSY', text, undefined, cause)
  }
}
