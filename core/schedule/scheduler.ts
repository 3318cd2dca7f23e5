/**
 * Gives queued tasks to workers, first come first served. The tables are the truth: it keeps no list of its own, so a
 * restart forgets nothing. Owns one promise: the round that is under way.
 */
import type { Logger } from '../base/logger.ts'
import { liveSessions } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import { queuedTasks } from '../store/tasks.ts'
import { chooseWorker, type WorkerLoad } from './choose.ts'

const PAGE = 50

export interface Scheduler extends AsyncDisposable {
  /** Looks for room; cheap to call often. */
  poke(): void
}

export interface SchedulerDeps {
  readonly store: Store
  readonly logger: Logger
  /** Workers that may be given sessions now, with their capacity. */
  readonly workers: () => readonly { readonly id: string; readonly capacity: number }[]
  /** Gives the task to the worker; false when the task is not queued any more. */
  readonly assign: (taskId: string, workerId: string) => Promise<boolean>
}

export function makeScheduler({ store, logger, workers, assign }: SchedulerDeps): Scheduler {
  let round: Promise<void> | undefined
  let again = false
  let disposed = false

  async function loads(): Promise<WorkerLoad[]> {
    const live = await store.read((tx) => liveSessions(tx))
    return workers().map(({ id, capacity }) => ({
      id,
      capacity,
      sessions: live.filter((session) => session.workerId === id).length,
    }))
  }

  /** Assigns one task; false when there is no room or no task. */
  async function assignOne(taskId: string): Promise<boolean> {
    const worker = chooseWorker(await loads())
    if (!worker || disposed) return false
    await assign(taskId, worker.id)
    return true
  }

  async function assignAll(): Promise<void> {
    const queued = await store.read((tx) => queuedTasks(tx, PAGE))
    for (const task of queued) if (!(await assignOne(task.id))) return
    if (queued.length === PAGE) again = true
  }

  async function rounds(): Promise<void> {
    again = false
    await assignAll()
    if (again && !disposed) await rounds()
  }

  return {
    poke() {
      again = true
      if (disposed) return
      round ??= rounds()
        .catch((error: unknown) => logger.error({ err: error }, 'Queued tasks could not be given to workers.'))
        .finally(() => (round = undefined))
    },
    async [Symbol.asyncDispose]() {
      disposed = true
      await round
    },
  }
}
