/** Who wants to know that an actor has changed, in whichever server on the database, told after the commit (E6). */
import { backoffMs } from '../base/backoff.ts'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { sleep } from '../base/waiting.ts'
import type { MachineName } from '../machines/effects.ts'
import type { Store } from '../store/store.ts'
import { tasksChangedSince } from '../store/tasks.ts'
import type { Tx } from '../store/tx.ts'

export interface Change {
  readonly machine: MachineName
  readonly actorId: string
  /** The task that it is or belongs to. */
  readonly taskId: string
}

export interface Changes extends Disposable {
  subscribe(listener: (change: Change) => void): Disposable
  publish(changes: readonly Change[]): void
}

/** Tells the other servers of a change, after the commit. */
export const announceChange = (tx: Tx, { machine, actorId, taskId }: Change): Promise<void> =>
  tx.announce('change', `${machine} ${actorId} ${taskId}`)

function fromText(text: string): Change {
  const [machine, actorId = '', taskId = ''] = text.split(' ')
  return { machine: machine as MachineName, actorId, taskId }
}

/** Servers stamp changes by their own clocks; this much they may differ. */
const CLOCKS_DIFFER_MS = 60_000
const RETRY = { firstMs: 200, maxMs: 10_000 }

export interface ChangesDeps {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
}

export function makeChanges({ store, clock, logger }: ChangesDeps): Changes {
  const listeners = new Set<(change: Change) => void>()
  const stopping = new AbortController()
  /** Until when nothing was missed. */
  let complete = clock.now()

  function publish(changes: readonly Change[]): void {
    for (const change of changes) for (const listener of listeners) listener(change)
  }

  /** Publishes what was missed; tries again until it could be read. */
  async function catchUp(): Promise<void> {
    const since = complete - CLOCKS_DIFFER_MS
    complete = clock.now()
    for (let attempt = 0; !(await publishSince(since)); attempt += 1) {
      await sleep(backoffMs(RETRY, attempt), stopping.signal)
    }
  }

  async function publishSince(since: number): Promise<boolean> {
    try {
      const ids = await store.read((tx) => tasksChangedSince(tx, since))
      publish(ids.map((id) => ({ machine: 'unitTask', actorId: id, taskId: id })))
      return true
    } catch (error) {
      logger.error({ err: error }, 'Tasks that other servers changed could not be read; it is tried again.')
      return false
    }
  }

  const announced = store.onAnnounce('change', (text) => {
    if (text !== undefined) {
      complete = clock.now()
      publish([fromText(text)])
      return
    }
    catchUp().catch(() => {}) // Only the end of the engine ends it without success.
  })

  return {
    subscribe(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    publish,
    [Symbol.dispose]() {
      announced[Symbol.dispose]()
      stopping.abort()
    },
  }
}
