/**
 * Attempts at one prompt, side by side, of which one is chosen.
 *
 * That an attempt was chosen and that the others are passed over is one step of its machine: the engine tells them, also
 * after a crash. Owns: the turns in which attempts of one comparison are chosen, so that there is one at a time.
 */
import { fail } from '../base/errors.ts'
import type { Attempt, Comparison } from '../contract/methods/comparisons.ts'
import type { UnitTask } from '../contract/records.ts'
import type { TaskStatus } from '../contract/statuses.ts'
import { makeLanes } from '../engine/lanes.ts'
import { loadPlace } from '../engine/places.ts'
import type { Handlers } from '../rpc/handlers.ts'
import { listQuestions } from '../store/questions.ts'
import { listSessionsOfTask } from '../store/sessions.ts'
import { listTasks } from '../store/tasks.ts'
import { totalUsage, workingMs } from './attempt-figures.ts'
import { createAttempts } from './create-task.ts'
import type { HandlerDeps } from './deps.ts'
import { findTask, missing } from './find.ts'
import { untilTask } from './until.ts'

const MOST_ATTEMPTS = 8
/** Ending agents takes as long as each stop does, and they end side by side. */
const STOP_BOUND_MS = 60_000

const CHOSEN: readonly TaskStatus[] = ['approved', 'pr_open', 'done']
const isChosen = ({ status }: UnitTask): boolean => CHOSEN.includes(status)
/** It is out of the comparison. */
const isDecided = (task: UnitTask): boolean => isChosen(task) || task.status === 'rejected'

/** In the order in which they were made. */
async function findAttempts({ store }: HandlerDeps, comparisonId: string): Promise<readonly UnitTask[]> {
  const { tasks } = await store.read((tx) => listTasks(tx, { comparisonId, limit: MOST_ATTEMPTS }))
  return tasks.length === 0 ? missing('comparison', comparisonId, 'listUnitTasks') : tasks.toReversed()
}

/** What cannot be read does not keep the other figures from being compared. */
async function diffOf({ store, workspace, logger }: HandlerDeps, task: UnitTask): Promise<Attempt['diff']> {
  if (task.worktreePath === undefined) return undefined
  try {
    const { files, additions, deletions } = await workspace.diff(await loadPlace(store, task.id))
    return { files: files.length, additions, deletions }
  } catch (error) {
    logger.warn({ err: error, taskId: task.id }, 'What an attempt changed cannot be read.')
    return undefined
  }
}

async function toAttempt(deps: HandlerDeps, task: UnitTask): Promise<Attempt> {
  const { store, clock } = deps
  const [diff, sessions, questions] = await Promise.all([
    diffOf(deps, task),
    store.read((tx) => listSessionsOfTask(tx, task.id)),
    store.read((tx) => listQuestions(tx, { taskId: task.id })),
  ])
  const usage = totalUsage(sessions)
  return {
    task,
    ...(diff && { diff }),
    ...(usage && { usage }),
    workingMs: workingMs(sessions, questions, clock.now()),
  }
}

async function compare(deps: HandlerDeps, id: string): Promise<{ comparison: Comparison }> {
  const tasks = await findAttempts(deps, id)
  return { comparison: { id, attempts: await Promise.all(tasks.map((task) => toAttempt(deps, task))) } }
}

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
function assertChoosable({ id, status }: UnitTask, others: readonly UnitTask[]): void {
  const chosen = others.find(isChosen)
  if (chosen) {
    const text = `Another attempt was chosen already: ${chosen.agent}, task ${chosen.id}, is ${chosen.status}. Reject that one first if you have changed your mind.`
    fail('CONFLICT', text, { status, allowed: [] })
  }
  const first = FIRST[status]
  if (first !== undefined) fail('CONFLICT', `Attempt ${id} is ${status}, so it cannot be chosen. ${first}`, { status })
}

export function comparisonHandlers(deps: HandlerDeps) {
  const turns = makeLanes()

  async function choose(taskId: string, comparisonId: string): Promise<readonly UnitTask[]> {
    const attempts = await findAttempts(deps, comparisonId)
    const others = attempts.filter(({ id }) => id !== taskId)
    const task = await findTask(deps.store, taskId)
    assertChoosable(task, others)
    const open = others.filter((other) => !isDecided(other)).map(({ id }) => id)
    if (task.status === 'in_review' || open.length > 0) {
      await deps.engine.command(taskId, { type: 'choose', others: open })
    }
    return others
  }

  return {
    createComparison: async (params) => compare(deps, await createAttempts(deps, params)),
    getComparison: ({ id }) => compare(deps, id),
    async chooseAttempt({ taskId }, { signal }) {
      const { comparisonId } = await findTask(deps.store, taskId)
      if (comparisonId === undefined) {
        return fail('INVALID_PARAMS', `Task ${taskId} is not compared with others. Approve it with approveUnitTask.`)
      }
      const others = await turns.run(comparisonId, () => choose(taskId, comparisonId))
      const settled = { signal, boundMs: STOP_BOUND_MS, holds: isDecided }
      await Promise.all(others.map(({ id }) => untilTask(deps, id, settled)))
      return compare(deps, comparisonId)
    },
  } satisfies Partial<Handlers>
}
