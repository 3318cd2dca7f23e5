/** Attempts at one prompt, side by side, of which one is chosen. */
import { fail } from '../base/errors.ts'
import type { Attempt, Comparison } from '../contract/methods/comparisons.ts'
import type { UnitTask } from '../contract/records.ts'
import { loadPlace } from '../engine/places.ts'
import type { Handlers } from '../rpc/handlers.ts'
import { listQuestions } from '../store/questions.ts'
import { listSessionsOfTask } from '../store/sessions.ts'
import { totalUsage, workingMs } from './attempt-figures.ts'
import { chooseAttempt, findAttempts, isDecided } from './choose-attempt.ts'
import { createAttempts } from './create-task.ts'
import type { HandlerDeps } from './deps.ts'
import { findTask } from './find.ts'
import { untilTask } from './until.ts'

/** Ending agents takes as long as each stop does, and they end side by side. */
const STOP_BOUND_MS = 60_000

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
  const tasks = await findAttempts(deps.store, id)
  return { comparison: { id, attempts: await Promise.all(tasks.map((task) => toAttempt(deps, task))) } }
}

export const comparisonHandlers = (deps: HandlerDeps) =>
  ({
    createComparison: async (params) => compare(deps, await createAttempts(deps, params)),
    getComparison: ({ id }) => compare(deps, id),
    async chooseAttempt({ taskId }, { signal }) {
      const { comparisonId } = await findTask(deps.store, taskId)
      if (comparisonId === undefined) {
        return fail('INVALID_PARAMS', `Task ${taskId} is not compared with others. Approve it with approveUnitTask.`)
      }
      const others = await chooseAttempt(deps, taskId, comparisonId)
      const settled = { signal, boundMs: STOP_BOUND_MS, holds: isDecided }
      await Promise.all(others.map((id) => untilTask(deps, id, settled)))
      return compare(deps, comparisonId)
    },
  }) satisfies Partial<Handlers>
