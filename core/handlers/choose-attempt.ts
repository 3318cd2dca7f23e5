/**
 * Chooses one of the attempts of a comparison.
 *
 * That it was chosen and that the others are passed over is one step of its machine: the engine tells them, also after a
 * crash. Whether it may be chosen is asked in that step, with all attempts locked, so that two are never chosen.
 */
import { fail } from '../base/errors.ts'
import type { UnitTask } from '../contract/records.ts'
import type { TaskStatus } from '../contract/statuses.ts'
import type { Store } from '../store/store.ts'
import { listTasks, lockAttempts } from '../store/tasks.ts'
import type { Tx } from '../store/tx.ts'
import type { HandlerDeps } from './deps.ts'
import { missing } from './find.ts'

const MOST_ATTEMPTS = 8

const CHOSEN: readonly TaskStatus[] = ['approved', 'pr_open', 'done']
const isChosen = ({ status }: UnitTask): boolean => CHOSEN.includes(status)
/** It is out of the comparison. */
export const isDecided = (task: UnitTask): boolean => isChosen(task) || task.status === 'rejected'

/** In the order in which they were made. @throws TroupeError NOT_FOUND. */
export async function findAttempts(store: Store, comparisonId: string): Promise<readonly UnitTask[]> {
  const { tasks } = await store.read((tx) => listTasks(tx, { comparisonId, limit: MOST_ATTEMPTS }))
  return tasks.length === 0 ? missing('comparison', comparisonId, 'listUnitTasks') : tasks.toReversed()
}

/** It was chosen before, and has no rival left. */
const isSettled = (taskId: string, attempts: readonly UnitTask[]): boolean =>
  attempts.every((task) => (task.id === taskId ? isChosen(task) : task.status === 'rejected'))

/** What to do with an attempt first that cannot be chosen as it is. */
const FIRST: Partial<Record<TaskStatus, string>> = {
  draft: 'Start it, and wait until it is ready for review.',
  queued: 'Wait until it is ready for review.',
  in_progress: 'Wait until it is ready for review.',
  stopped: 'If its work is good as it is, approve it first.',
  failed: 'If its work is good as it is, approve it first.',
  rejected: 'Retry it if you want it after all.',
}

/** @throws TroupeError CONFLICT when this attempt cannot be the one. */
function assertChoosable(taskId: string, attempts: readonly UnitTask[]): void {
  const others = attempts.filter(({ id }) => id !== taskId)
  const { id, status } = attempts.find((attempt) => attempt.id === taskId) ?? missing('task', taskId, 'listUnitTasks')
  const chosen = others.find(isChosen)
  if (chosen) {
    const text = `Another attempt was chosen already: ${chosen.agent}, task ${chosen.id}, is ${chosen.status}. Reject that one first if you have changed your mind.`
    fail('CONFLICT', text, { status, allowed: [] })
  }
  const first = FIRST[status]
  if (first !== undefined) fail('CONFLICT', `Attempt ${id} is ${status}, so it cannot be chosen. ${first}`, { status })
}

/**
 * Gives the ids of the others, which are told to end. Once or twice is the same.
 * @throws TroupeError CONFLICT when this attempt cannot be the one, NOT_FOUND.
 */
export async function chooseAttempt(
  { store, engine }: Pick<HandlerDeps, 'store' | 'engine'>,
  taskId: string,
  comparisonId: string,
): Promise<readonly string[]> {
  const attempts = await findAttempts(store, comparisonId)
  const others = attempts.flatMap(({ id }) => (id === taskId ? [] : [id]))
  if (isSettled(taskId, attempts)) return others
  const check = async (tx: Tx) => assertChoosable(taskId, await lockAttempts(tx, comparisonId))
  await engine.command(taskId, { type: 'choose', others }, check)
  return others
}
