/** Repositories. */
import { fail } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { ParsedParams } from '../contract/catalogue.ts'
import type { Repository } from '../contract/records.ts'
import type { RepositoryFacts } from '../engine/ports.ts'
import type { Handlers } from '../rpc/handlers.ts'
import { groupOfOne, insertGroup } from '../store/groups.ts'
import {
  deleteRepository,
  findRepositoryByPath,
  insertRepository,
  listRepositories,
  updateRepository,
} from '../store/repositories.ts'
import { countTasksOfRepository } from '../store/tasks.ts'
import type { Tx } from '../store/tx.ts'
import type { HandlerDeps } from './deps.ts'
import { findRepository, findWorkspace } from './find.ts'

async function ensureRepository(
  tx: Tx,
  params: ParsedParams<'addRepository'>,
  facts: RepositoryFacts,
): Promise<Repository> {
  const workspace = await findWorkspace(tx, params.workspaceId)
  const known = await findRepositoryByPath(tx, { workspaceId: workspace.id, localPath: facts.root })
  if (known) return changeRepository(tx, known, params)
  const { defaultBranch, vcsProvider, remoteUrl } = facts
  return insertRepository(tx, {
    id: newId(),
    workspaceId: workspace.id,
    name: params.name ?? facts.name,
    localPath: facts.root,
    defaultBranch,
    vcsProvider,
    remoteUrl,
  })
}

/** What is not named stays as it is. */
async function changeRepository(
  tx: Tx,
  known: Repository,
  { name = known.name, defaultBranch = known.defaultBranch }: ParsedParams<'addRepository'>,
): Promise<Repository> {
  if (name === known.name && defaultBranch === known.defaultBranch) return known
  await updateRepository(tx, known.id, { name, defaultBranch })
  return findRepository(tx, known.id)
}

/** Gives its folder. */
async function removeRepository(tx: Tx, id: string): Promise<string | undefined> {
  const { name, localPath } = await findRepository(tx, id)
  const tasks = await countTasksOfRepository(tx, id)
  if (tasks > 0)
    fail('REPO_IN_USE', `Tasks use the repository ${name}: ${tasks}. Remove them first: troupe task rm <task>`, {
      tasks,
    })
  await deleteRepository(tx, id)
  return localPath
}

export function repositoryHandlers({ store, workspace }: HandlerDeps) {
  return {
    async addRepository(params) {
      const facts = await workspace.inspect(params.path, params.defaultBranch)
      const added = await store.transaction(async (tx) => {
        const repository = await ensureRepository(tx, params, facts)
        const { id, workspaceId } = repository
        const group =
          (await groupOfOne(tx, id)) ?? (await insertGroup(tx, { id: newId(), workspaceId, repositoryIds: [id] }))
        return { repository, group }
      })
      workspace.keepReady(facts.root, added.repository.defaultBranch)
      return added
    },
    getRepository: ({ id }) => store.read(async (tx) => ({ repository: await findRepository(tx, id) })),
    listRepositories: ({ workspaceId }) =>
      store.read(async (tx) => ({ repositories: await listRepositories(tx, workspaceId) })),
    async removeRepository({ id }) {
      const path = await store.transaction((tx) => removeRepository(tx, id))
      if (path !== undefined) await workspace.forget(path)
      return {}
    },
    async listFiles({ repositoryId, query, branch, limit }) {
      const repository = await store.read((tx) => findRepository(tx, repositoryId))
      const path =
        repository.localPath ?? fail('REPO_NOT_FOUND', `Repository ${repository.name} has no folder on this machine.`)
      return workspace.files(path, { branch: branch ?? repository.defaultBranch, query, limit })
    },
  } satisfies Partial<Handlers>
}
