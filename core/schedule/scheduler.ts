/**
 * Gives queued tasks to workers, first come first served. The tables are the truth: it keeps no list of its own, so a
 * restart forgets nothing. Owns the round that is under way and the timer of the next try after a failed one.
 *
 * Whether there is room is asked in the transaction that takes it, with the worker locked: what another server gives it at the
 * same time is counted too.
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { countLiveSessions } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import type { Tx } from '../store/tx.ts'
import { lockTask, queuedTasks } from '../store/tasks.ts'
import { lockWorkers } from '../store/workers.ts'
import { chooseWorker, type WorkerLoad } from './choose.ts'

const PAGE = 50
const RETRY_MS = 1000

export interface Scheduler extends AsyncDisposable {
  /** Looks for room; cheap to call often. */
  poke(): void
  /** The worker that has room for the task at once, asked in the transaction that queues it; none when others wait before it. */
  placeNow(tx: Tx, taskId: string): Promise<string | undefined>
}

type Worker = Pick<WorkerLoad, 'id' | 'capacity'>

export interface SchedulerDeps {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  /** Workers that may be given sessions now, with their capacity. */
  readonly workers: () => readonly Worker[]
  /** Gives the task to the worker if there is room; false when there is none, or the task is not queued any more. */
  readonly assign: (taskId: string, workerId: string, hasRoom: (tx: Tx) => Promise<boolean>) => Promise<boolean>
}

async function loads(tx: Tx, among: readonly Worker[]): Promise<WorkerLoad[]> {
  const live = await countLiveSessions(tx)
  return among.map(({ id, capacity }) => ({ id, capacity, sessions: live.get(id) ?? 0 }))
}

async function lockedLoads(tx: Tx, among: readonly Worker[]): Promise<WorkerLoad[]> {
  await lockWorkers(
    tx,
    among.map(({ id }) => id),
  )
  return loads(tx, among)
}

export function makeScheduler({ store, clock, logger, workers, assign }: SchedulerDeps): Scheduler {
  let round: Promise<void> | undefined
  let again = false
  let retry: Disposable | undefined
  let disposed = false

  function tryLater(error: unknown): void {
    logger.error({ err: error }, 'Queued tasks could not be given to workers; it is tried again.')
    retry?.[Symbol.dispose]()
    retry = clock.after(RETRY_MS, poke)
  }

  /** False when there is no room. */
  async function assignOne(taskId: string): Promise<boolean> {
    const offered = workers()
    const worker = chooseWorker(await store.read((tx) => loads(tx, offered)))
    if (!worker || disposed) return false
    const hasRoom = async (tx: Tx) => {
      await lockTask(tx, taskId) // before the worker, as in the step that queues a task, or the two could wait for each other
      return chooseWorker(await lockedLoads(tx, [worker])) !== undefined
    }
    // One task that cannot be assigned does not hold up those behind it.
    await assign(taskId, worker.id, hasRoom).catch((error: unknown) => tryLater(error))
    return true
  }

  async function assignAll(): Promise<void> {
    const queued = await store.read((tx) => queuedTasks(tx, PAGE))
    for (const task of queued) if (!(await assignOne(task.id))) return
    if (queued.length === PAGE) again = true
  }

  async function rounds(): Promise<void> {
    try {
      again = false
      await assignAll()
    } catch (error) {
      tryLater(error)
    } finally {
      // In the same turn as the last look at `again`, or a call in between would be forgotten.
      round = again && !disposed ? rounds() : undefined
    }
  }

  function poke(): void {
    again = true
    if (!disposed) round ??= Promise.resolve().then(rounds)
  }

  async function placeNow(tx: Tx, taskId: string): Promise<string | undefined> {
    const [first] = disposed ? [] : await queuedTasks(tx, 1)
    if (first?.id !== taskId) return undefined
    return chooseWorker(await lockedLoads(tx, orNone(workers)))?.id
  }

  return {
    poke,
    placeNow,
    async [Symbol.asyncDispose]() {
      disposed = true
      retry?.[Symbol.dispose]()
      await round
    },
  }
}

/** Where they cannot be known, the round that follows says what is wrong. */
function orNone(workers: SchedulerDeps['workers']): readonly Worker[] {
  try {
    return workers()
  } catch {
    return []
  }
}
