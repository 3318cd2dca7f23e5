/** Fires deadlines: one timer for the earliest row, so that any number of waiting actors costs one timer (E7). */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { ActorEvent } from '../machines/effects.ts'
import { cancelDeadline, dueDeadlines, nextDeadlineAt, type Deadline } from '../store/deadlines.ts'
import type { Store } from '../store/store.ts'

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
    timer = clock.after(Math.max(at - clock.now(), 0), () => {
      timer = undefined
      void look()
    })
  }

  /** False when it has to be tried again. */
  async function fireOne({ actorId, key, at, event }: Deadline): Promise<boolean> {
    try {
      await fire(actorId, event as unknown as ActorEvent, `deadline:${key}:${at}`)
      await store.transaction((tx) => cancelDeadline(tx, { actorId, key, at }))
      return true
    } catch (error) {
      logger.error({ err: error, actorId, key }, 'A deadline could not be told; it is tried again.')
      return false
    }
  }

  async function fireDue(): Promise<void> {
    const due = await store.read((tx) => dueDeadlines(tx, { now: clock.now(), limit: PAGE }))
    let told = 0
    for (const deadline of due) if (await fireOne(deadline)) told += 1
    if (due.length === PAGE && told > 0 && !disposed) await fireDue()
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
