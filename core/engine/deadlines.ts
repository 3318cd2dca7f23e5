/** Fires deadlines: one timer for the earliest row, so that any number of waiting actors costs one timer (E7). */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { ActorEvent } from '../machines/effects.ts'
import { cancelDeadline, dueDeadlines, nextDeadlineAt } from '../store/deadlines.ts'
import type { Store } from '../store/store.ts'

const PAGE = 100
/** The clock may jump and another engine may set a deadline: look again at least this often. */
const LOOK_AGAIN_MS = 60_000

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
  /** Delivers the event, once per `eventId`. */
  readonly fire: (actorId: string, event: ActorEvent, eventId: string) => Promise<unknown>
}

export function makeDeadlines({ store, clock, logger, fire }: DeadlineDeps): Deadlines {
  let timer: Disposable | undefined
  let wakeAt = Number.POSITIVE_INFINITY
  let looking: Promise<void> | undefined
  let disposed = false

  function wake(at: number): void {
    if (disposed || (timer && at >= wakeAt)) return
    timer?.[Symbol.dispose]()
    wakeAt = at
    timer = clock.after(Math.max(at - clock.now(), 0), () => void look())
  }

  async function fireDue(): Promise<void> {
    const due = await store.read((tx) => dueDeadlines(tx, { now: clock.now(), limit: PAGE }))
    for (const { actorId, key, at, event } of due) {
      await fire(actorId, event as unknown as ActorEvent, `deadline:${key}:${at}`)
      await store.transaction((tx) => cancelDeadline(tx, { actorId, key, at }))
    }
    if (due.length === PAGE && !disposed) await fireDue()
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
      await fireDue()
      next = Math.min(next, (await store.read((tx) => nextDeadlineAt(tx))) ?? next)
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
