/**
 * Waiting for a file that another program holds. SQLite's own wait would hold the thread, and with it every session of
 * the host; this one tries, lets others work, and tries again.
 */
import { backoffMs } from '../base/backoff.ts'
import { fail } from '../base/errors.ts'
import { sleep } from '../base/waiting.ts'
import { driverCode } from './driver-errors.ts'

const PAUSES = { firstMs: 2, maxMs: 100 }

/** @throws TroupeError STORE_BUSY after `boundMs`, or what `attempt` throws. */
export async function whenFree<T>(boundMs: number, attempt: () => T): Promise<T> {
  const until = performance.now() + boundMs
  for (let tries = 0; ; tries += 1) {
    try {
      return attempt()
    } catch (error) {
      if (!isLocked(error)) throw error
      if (performance.now() >= until) return stillLocked(boundMs)
    }
    await sleep(backoffMs(PAUSES, tries))
  }
}

const isLocked = (error: unknown): boolean => error instanceof Error && driverCode(error).startsWith('SQLITE_BUSY')

const stillLocked = (boundMs: number): never =>
  fail(
    'STORE_BUSY',
    `Another program has held the database locked for ${boundMs / 1000} s. End programs that use the file (lsof shows them), then try again.`,
  )
