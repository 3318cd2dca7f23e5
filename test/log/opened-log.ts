/** A log on a real database, and a look at what it stored. */
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { openSessionLog, type SessionLogOptions } from '../../core/log/session-log.ts'
import type { SessionLog } from '../../core/log/types.ts'
import { readMessages } from '../../core/store/messages.ts'
import type { Store } from '../../core/store/store.ts'
import type { Databases } from '../helpers/databases.ts'
import { openSample, type Sample } from '../store/sample.ts'

export interface Opened extends Sample {
  readonly log: SessionLog
}

export async function openLog(databases: Databases, options: Partial<SessionLogOptions> = {}): Promise<Opened> {
  await using opening = new AsyncDisposableStack()
  const sample = opening.use(await openSample(databases))
  const log = opening.use(openSessionLog({ store: sample.store, clock: systemClock, logger: silentLogger, ...options }))
  const resources = opening.move()
  return { ...sample, log, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

export const stored = async (store: Store, sessionId: string): Promise<number[]> =>
  (await store.read((tx) => readMessages(tx, { sessionId, after: 0, limit: 100_000, maxBytes: 1e9 }))).map(
    ({ seq }) => seq,
  )

/** A store whose transactions can be counted, held and made to fail, and whose reads can be counted. */
export function intercept(
  store: Store,
  before: (count: number) => Promise<void> | void,
): { store: Store; count: () => number; reads: () => number } {
  let [count, reads] = [0, 0]
  const transaction: Store['transaction'] = async (work) => {
    count += 1
    await before(count)
    return store.transaction(work)
  }
  return {
    count: () => count,
    reads: () => reads,
    store: {
      driver: store.driver,
      transaction,
      read: (work) => {
        reads += 1
        return store.read(work)
      },
      // The connection to other servers makes the log read again whenever it comes up.
      onAnnounce: () => ({ [Symbol.dispose]() {} }),
      check: () => store.check(),
      usedBytes: () => store.usedBytes(),
      shrink: () => store.shrink(),
      [Symbol.asyncDispose]: () => store[Symbol.asyncDispose](),
    },
  }
}
