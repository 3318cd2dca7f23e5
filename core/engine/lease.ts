/**
 * That this engine is at work, as the others on the database see it.
 *
 * Owns the row of the engine and the timer that renews it. Nothing of it happens on SQLite, where nobody else is.
 * - A1 An engine that was not heard of for `leaseMs` may be taken for dead: others then run the effects that were its.
 * - A2 What this engine knows of its effects holds within one term. When it was too late to renew its lease, the term is
 *   over: it reads again which effects are still its own.
 * The others judge by the clock of the database, this engine by its own and more strictly: from before it renewed.
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { deleteEngine, markEngine } from '../store/engines.ts'
import type { Store } from '../store/store.ts'

/** An engine is taken for dead after this. */
export const LEASE_MS = 15_000
const RENEWALS_PER_LEASE = 3

export interface Lease extends AsyncDisposable {
  /** The number of the term; undefined when it is over. */
  term(): number | undefined
  /** Begins a new term when the last one is over. @throws TroupeError STORE_... */
  ensure(): Promise<void>
}

export interface LeaseOptions {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly engineId: string
  readonly leaseMs: number
  /** Called after each renewal: a good time to look for what others left. */
  readonly onRenewed: () => void
}

/** By two clocks: the steady one stands still while the machine sleeps, the other may jump. */
interface Instant {
  readonly steady: number
  readonly wall: number
}

export function makeLease(options: LeaseOptions): Lease {
  return options.store.driver === 'sqlite' ? soleLease(options) : sharedLease(options)
}

function soleLease({ store, engineId }: LeaseOptions): Lease {
  let marked: Promise<unknown> | undefined
  const mark = () =>
    store
      .transaction((tx) => markEngine(tx, engineId))
      .catch((error: unknown) => {
        marked = undefined // so that it can be tried again
        throw error
      })
  return {
    term: () => 1,
    ensure: async () => void (await (marked ??= mark())),
    async [Symbol.asyncDispose]() {},
  }
}

function sharedLease({ store, clock, logger, engineId, leaseMs, onRenewed }: LeaseOptions): Lease {
  let number = 0
  let renewedAt: Instant | undefined
  let renewing: Promise<void> | undefined
  let timer: Disposable | undefined
  let disposed = false

  const now = (): Instant => ({ steady: performance.now(), wall: clock.now() })
  const isOver = ({ steady, wall }: Instant): boolean =>
    Math.max(now().steady - steady, Math.abs(now().wall - wall)) >= leaseMs

  async function renew(): Promise<void> {
    const before = now()
    await store.transaction((tx) => markEngine(tx, engineId))
    // A2: judged after the answer, because the others may have looked until then.
    if (!renewedAt || isOver(renewedAt)) number += 1
    renewedAt = before
  }

  function renewLater(): void {
    timer?.[Symbol.dispose]()
    timer = clock.after(leaseMs / RENEWALS_PER_LEASE, () => {
      renewOnce()
        .then(onRenewed)
        .catch((error: unknown) => logger.warn({ err: error }, 'The lease of this server could not be renewed.'))
    })
  }

  function renewOnce(): Promise<void> {
    renewing ??= renew().finally(() => {
      renewing = undefined
      if (!disposed) renewLater()
    })
    return renewing
  }

  return {
    term: () => (renewedAt && !isOver(renewedAt) ? number : undefined),
    async ensure() {
      if (!renewedAt || isOver(renewedAt)) await renewOnce()
    },
    async [Symbol.asyncDispose]() {
      disposed = true
      timer?.[Symbol.dispose]()
      await renewing?.catch(() => {})
      if (!renewedAt) return
      // So that the others need not wait for the end of the lease.
      await store
        .transaction((tx) => deleteEngine(tx, engineId))
        .catch((error: unknown) => logger.warn({ err: error }, 'Other servers were not told that this one ends.'))
    },
  }
}
