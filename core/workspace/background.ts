/**
 * Work that nobody waits for.
 *
 * Owns the pieces that were handed to it: one runs at a time, in their order, and they end with it.
 */
import { TroupeError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'

export interface Background extends AsyncDisposable {
  /** Nothing when a piece of this name still waits. A failure is logged; `signal` aborts when the host stops. */
  run(name: string, work: (signal: AbortSignal) => Promise<void>): void
}

export function makeBackground(logger: Logger): Background {
  const ending = new AbortController()
  const waiting = new Set<string>()
  let tail: Promise<void> = Promise.resolve()

  async function runOne(name: string, work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { signal } = ending
    waiting.delete(name)
    if (signal.aborted) return
    await work(signal).catch((error: unknown) => {
      if (!signal.aborted) logger.warn({ err: error, name }, 'work in the background failed; it is tried again later')
    })
  }

  return {
    run(name, work) {
      if (waiting.has(name)) return
      waiting.add(name)
      tail = tail.then(() => runOne(name, work))
    },
    async [Symbol.asyncDispose]() {
      ending.abort(new TroupeError('ABORTED', 'The host stops.'))
      await tail
    },
  }
}
