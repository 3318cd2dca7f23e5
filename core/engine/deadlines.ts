/**
 * Fires deadlines: one timer for the earliest row, so that any number of waiting actors costs one timer (E7).
 *
 * They are due by the wall clock, so that they hold over a restart. When it is set forward they fire at the next look,
 * within a minute; when it is set back each fires at most its own delay and a minute later.
 */
import type { Clock } from '../base/clock.ts'
import { faultPoint } from '../base/fault-point.ts'
import { newId } from '../base/ids.ts'
import type { Logger } from '../base/logger.ts'
import type { ActorEvent } from '../machines/effects.ts'
import {
  cancelDeadline,
  dueDeadlines,
  haveStrayed,
  nextDeadlineAt,
  renewDeadlines,
  type Deadline,
} from '../store/deadlines.ts'
import type { Store } from '../store/store.ts'
import type { Delivery } from './commit.ts'

const PAGE = 100
/** The clock may jump and another engine may set a deadline: look again at least this often. */
const LOOK_AGAIN_MS = 60_000
/** What is still due after a look could not be told; it is not tried faster than this. */
const RETRY_MS = 500

export interface Deadlines extends AsyncDisposable {
  /** A deadline was set for `at` (milliseconds since 1970). */
  wake(at: number): void
  /** Looks for what is due, also after a restart. */
  look(): Promise<void>
}

export interface DeadlineDeps {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly fire: (delivery: Delivery) => Promise<unknown>
}

/** False when it has to be tried again. Whichever engine deletes the row fires it. */
async function fireOne({ fire, logger }: DeadlineDeps, { actorId, key, at, event }: Deadline): Promise<boolean> {
  faultPoint('engine.deadline-due', key)
  try {
    await fire({
      actorId,
      event: event as unknown as ActorEvent,
      eventId: newId(),
      claim: (tx) => cancelDeadline(tx, { actorId, key, at }),
    })
    return true
  } catch (error) {
    logger.error({ err: error, actorId, key }, 'A deadline could not be told; it is tried again.')
    return false
  }
}

/** The clock was set back: reads before it writes, because mostly it was not. */
async function bringBack({ store, clock }: DeadlineDeps): Promise<void> {
  const since = { now: clock.now(), slackMs: LOOK_AGAIN_MS }
  if (await store.read((tx) => haveStrayed(tx, since))) await store.transaction((tx) => renewDeadlines(tx, since))
}

export function makeDeadlines(deps: DeadlineDeps): Deadlines {
  const { store, clock, logger } = deps
  let timer: Disposable | undefined
  let wakeAt = Number.POSITIVE_INFINITY
  let looking: Promise<void> | undefined
  let disposed = false

  function wake(at: number): void {
    if (disposed || (timer && at >= wakeAt)) return
    timer?.[Symbol.dispose]()
    wakeAt = at
    timer = clock.after(Math.max(at - clock.now(), 0), () => {
      timer = undefined
      void look()
    })
  }

  async function fireDue(): Promise<void> {
    const due = await store.read((tx) => dueDeadlines(tx, { now: clock.now(), limit: PAGE }))
    let told = 0
    for (const deadline of due) if (!disposed && (await fireOne(deps, deadline))) told += 1
    if (due.length === PAGE && told > 0) await fireDue()
  }

  function look(): Promise<void> {
    looking ??= lookOnce().finally(() => (looking = undefined))
    return looking
  }

  async function lookOnce(): Promise<void> {
    timer?.[Symbol.dispose]()
    timer = undefined
    let next = clock.now() + LOOK_AGAIN_MS
    try {
      await bringBack(deps)
      await fireDue()
      const earliest = (await store.read((tx) => nextDeadlineAt(tx))) ?? next
      next = Math.min(next, Math.max(earliest, clock.now() + RETRY_MS))
    } catch (error) {
      logger.error({ err: error }, 'Deadlines could not be read; they are looked at again.')
    }
    wake(next)
  }

  return {
    wake,
    look,
    async [Symbol.asyncDispose]() {
      disposed = true
      timer?.[Symbol.dispose]()
      await looking
    },
  }
}
