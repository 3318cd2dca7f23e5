/** Repository groups and workspaces. */
import { fail } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Handlers } from '../rpc/handlers.ts'
import { deleteGroup, insertGroup, listGroups, updateGroup } from '../store/groups.ts'
import { listRepositories } from '../store/repositories.ts'
import { countTasksOfGroup } from '../store/tasks.ts'
import type { Tx } from '../store/tx.ts'
import { deleteWorkspace, insertWorkspace, listWorkspaces, updateWorkspace } from '../store/workspaces.ts'
import type { HandlerDeps } from './deps.ts'
import { findGroup, findRepository, findWorkspace } from './find.ts'

async function checkUnused(tx: Tx, groupId: string): Promise<void> {
  const tasks = await countTasksOfGroup(tx, groupId)
  if (tasks > 0)
    fail('REPO_IN_USE', `Tasks use the group: ${tasks}. Remove them first: troupe task rm <task>`, { tasks })
}

async function checkRepositories(tx: Tx, ids: readonly string[]): Promise<void> {
  for (const id of ids) await findRepository(tx, id)
}

function groupHandlers({ store }: HandlerDeps) {
  return {
    createRepositoryGroup: ({ name, repositoryIds, workspaceId }) =>
      store.transaction(async (tx) => {
        await checkRepositories(tx, repositoryIds)
        const workspace = await findWorkspace(tx, workspaceId)
        return { group: await insertGroup(tx, { id: newId(), workspaceId: workspace.id, name, repositoryIds }) }
      }),
    getRepositoryGroup: ({ id }) => store.read(async (tx) => ({ group: await findGroup(tx, id) })),
    listRepositoryGroups: ({ workspaceId }) =>
      store.read(async (tx) => ({ groups: await listGroups(tx, workspaceId) })),
    updateRepositoryGroup: ({ id, ...changes }) =>
      store.transaction(async (tx) => {
        await findGroup(tx, id)
        if (changes.repositoryIds) {
          await checkRepositories(tx, changes.repositoryIds)
          await checkUnused(tx, id)
        }
        await updateGroup(tx, id, changes)
        return { group: await findGroup(tx, id) }
      }),
    deleteRepositoryGroup: ({ id }) =>
      store.transaction(async (tx) => {
        await findGroup(tx, id)
        await checkUnused(tx, id)
        await deleteGroup(tx, id)
        return {}
      }),
  } satisfies Partial<Handlers>
}

function workspaceHandlers({ store }: HandlerDeps) {
  return {
    createWorkspace: (params) =>
      store.transaction(async (tx) => ({ workspace: await insertWorkspace(tx, { id: newId(), ...params }) })),
    getWorkspace: ({ id }) => store.read(async (tx) => ({ workspace: await findWorkspace(tx, id) })),
    listWorkspaces: () => store.read(async (tx) => ({ workspaces: await listWorkspaces(tx) })),
    updateWorkspace: ({ id, ...changes }) =>
      store.transaction(async (tx) => {
        await findWorkspace(tx, id)
        await updateWorkspace(tx, id, changes)
        return { workspace: await findWorkspace(tx, id) }
      }),
    deleteWorkspace: ({ id }) =>
      store.transaction(async (tx) => {
        const { name } = await findWorkspace(tx, id)
        const repositories = await listRepositories(tx, id)
        if (repositories.length > 0) {
          fail('CONFLICT', `Workspace ${name} still holds ${repositories.length} repositories. Remove them first.`)
        }
        await deleteWorkspace(tx, id)
        return {}
      }),
  } satisfies Partial<Handlers>
}

export const groupingHandlers = (deps: HandlerDeps) => ({ ...groupHandlers(deps), ...workspaceHandlers(deps) })
