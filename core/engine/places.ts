/** Where a task's files are, read from its rows. */
import { fail } from '../base/errors.ts'
import { getGroup } from '../store/groups.ts'
import { getRepository } from '../store/repositories.ts'
import type { Store } from '../store/store.ts'
import { getTask, listTasks } from '../store/tasks.ts'
import type { Tx } from '../store/tx.ts'
import type { TaskPlace } from './ports.ts'

/** @throws TroupeError NOT_FOUND when the task, its group or its repository is gone. */
export const loadPlace = (store: Store, taskId: string): Promise<TaskPlace> => store.read((tx) => readPlace(tx, taskId))

/** @throws TroupeError NOT_FOUND when the task, its group or its repository is gone. */
export async function readPlace(tx: Tx, taskId: string): Promise<TaskPlace> {
  const task = (await getTask(tx, taskId)) ?? fail('NOT_FOUND', `There is no task ${taskId}.`)
  const group = await getGroup(tx, task.repositoryGroupId)
  const repository = group && (await getRepository(tx, group.repositoryIds[0] ?? ''))
  if (!repository?.localPath) return fail('NOT_FOUND', `The repository of task ${taskId} is not known any more.`)
  const { title, agent, baseBranch, branchName, baseCommit, worktreePath } = task
  const repositoryPath = repository.localPath
  return { taskId, title, agent, repositoryPath, baseBranch, branchName, baseCommit, worktreePath }
}

const PAGE = 200

/** The places of all tasks that have a worktree. */
export async function loadPlaces(store: Store): Promise<(TaskPlace & { worktreePath: string })[]> {
  const places: (TaskPlace & { worktreePath: string })[] = []
  let cursor: string | undefined
  do {
    const page = await store.read((tx) => listTasks(tx, { limit: PAGE, ...(cursor !== undefined && { cursor }) }))
    for (const { id, worktreePath } of page.tasks) {
      if (worktreePath !== undefined) places.push({ ...(await loadPlace(store, id)), worktreePath })
    }
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return places
}
