/** Unit tasks. */
import { fail, fromEnvelope, TroupeError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { UnitTask } from '../contract/records.ts'
import type { TaskStatus } from '../contract/statuses.ts'
import { conflictOf } from '../engine/conflict.ts'
import { readPlace } from '../engine/places.ts'
import { taskStatusOf } from '../machines/columns.ts'
import type { ActorEvent } from '../machines/effects.ts'
import type { Handlers } from '../rpc/handlers.ts'
import { listSessionsOfTask } from '../store/sessions.ts'
import { deleteTask, listTasks, updateTask } from '../store/tasks.ts'
import { createTask } from './create-task.ts'
import type { HandlerDeps } from './deps.ts'
import { findTask } from './find.ts'
import { untilTask } from './until.ts'

const MERGE_BOUND_MS = 90_000
const AT_WORK: readonly TaskStatus[] = ['queued', 'in_progress']

/** The event by which a person moves a task to a status. */
const EVENT_FOR = {
  queued: 'start',
  stopped: 'stop',
  approved: 'approve',
  rejected: 'reject',
  done: 'markDone',
} as const

/** Removes what the task has on disk, then its rows; a crash in between is mended by deleting it again. */
async function removeTask(deps: HandlerDeps, task: UnitTask): Promise<void> {
  await deps.engine.remove(task.id, {
    async clear(state, tx) {
      const status = taskStatusOf(state)
      if (AT_WORK.includes(status)) throw conflictOf('task', status, 'delete', ['stop'])
      const place = await readPlace(tx, task.id).catch(unlessMissing)
      if (place) await deps.workspace.remove(place, task.sessionId ?? task.id)
      faultPoint('handlers.worktree-removed')
      const sessions = await listSessionsOfTask(tx, task.id)
      await deps.retention.discard(sessions.map(({ id }) => id))
    },
    erase: (tx) => deleteTask(tx, task.id),
  })
}

/** Without its repository's record there is no place to clean up. */
function unlessMissing(error: unknown): undefined {
  if (!(error instanceof TroupeError) || error.code !== 'NOT_FOUND') throw error
}

const isMerged = (task: UnitTask): boolean => task.status !== 'approved' || task.error !== undefined

export function taskHandlers(deps: HandlerDeps) {
  const { store, engine } = deps

  const command = async (id: string, event: ActorEvent) => {
    await findTask(store, id)
    await engine.command(id, event)
    return { task: await findTask(store, id) }
  }

  return {
    createUnitTask: async (params) => ({ task: await createTask(deps, params) }),
    getUnitTask: async ({ id }) => ({ task: await findTask(store, id) }),
    listUnitTasks: (filter) => store.read((tx) => listTasks(tx, filter)),
    async updateUnitTask({ id, title, prompt }) {
      const { comparisonId } = await findTask(store, id)
      if (prompt !== undefined && comparisonId !== undefined) {
        fail('CONFLICT', 'The prompt is that of all attempts that are compared. Make another comparison to change it.')
      }
      if (prompt !== undefined) await engine.command(id, { type: 'editPrompt', prompt })
      if (title !== undefined) await store.transaction((tx) => updateTask(tx, id, { title }))
      return { task: await findTask(store, id) }
    },
    updateUnitTaskStatus: ({ id, status }) => command(id, { type: EVENT_FOR[status] }),
    async deleteUnitTask({ id }) {
      await removeTask(deps, await findTask(store, id))
      return {}
    },
    retryUnitTask: ({ id, fresh }) => command(id, { type: 'retry', fresh }),
    approveUnitTask: ({ id }) => command(id, { type: 'approve' }),
    rejectUnitTask: ({ id }) => command(id, { type: 'reject' }),
    async commitTask({ id, strategy, message }, { signal }) {
      await command(id, { type: 'merge', strategy, message })
      const task = await untilTask(deps, id, { signal, boundMs: MERGE_BOUND_MS, holds: isMerged })
      if (task.status === 'approved' && task.error) throw fromEnvelope(task.error)
      return { task }
    },
  } satisfies Partial<Handlers>
}
