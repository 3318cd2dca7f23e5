/** What a task is to work on: a repository on this machine, and a branch of it to begin from. */
import { fail } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Repository, RepositoryGroup } from '../contract/records.ts'
import { groupOfOne, insertGroup } from '../store/groups.ts'
import type { Tx } from '../store/tx.ts'
import type { HandlerDeps } from './deps.ts'
import { findGroup, findRepository } from './find.ts'

export interface SubjectParams {
  readonly repositoryId?: string | undefined
  readonly repositoryGroupId?: string | undefined
  readonly baseBranch?: string | undefined
}

export interface Subject {
  readonly groupId: string
  readonly repositoryId: string
  readonly path: string
  readonly baseBranch: string
  /** Where the base branch is now. */
  readonly headCommit: string
}

async function ensureGroupOfOne(tx: Tx, repository: Repository): Promise<RepositoryGroup> {
  const existing = await groupOfOne(tx, repository.id)
  if (existing) return existing
  return insertGroup(tx, { id: newId(), workspaceId: repository.workspaceId, repositoryIds: [repository.id] })
}

async function findGroupOf(tx: Tx, { repositoryGroupId, repositoryId }: SubjectParams): Promise<RepositoryGroup> {
  if (repositoryGroupId !== undefined && repositoryId === undefined) return findGroup(tx, repositoryGroupId)
  if (repositoryId !== undefined && repositoryGroupId === undefined) {
    return ensureGroupOfOne(tx, await findRepository(tx, repositoryId))
  }
  return fail('INVALID_PARAMS', 'Name what to work on: give either repositoryId or repositoryGroupId.')
}

async function findOneRepository(tx: Tx, params: SubjectParams) {
  const group = await findGroupOf(tx, params)
  if (group.repositoryIds.length > 1) {
    fail('UNSUPPORTED', 'Tasks on several repositories at once are not possible yet. Name one repository.')
  }
  return { group, repository: await findRepository(tx, group.repositoryIds[0] ?? '') }
}

/** @throws TroupeError INVALID_PARAMS, NOT_FOUND, UNSUPPORTED, REPO_*, GIT_FAILED */
export async function findSubject({ store, workspace }: HandlerDeps, params: SubjectParams): Promise<Subject> {
  const { group, repository } = await store.transaction((tx) => findOneRepository(tx, params))
  const path =
    repository.localPath ?? fail('UNSUPPORTED', `Repository ${repository.name} has no folder on this machine.`)
  const { defaultBranch, headCommit } = await workspace.inspect(path, params.baseBranch ?? repository.defaultBranch)
  return { groupId: group.id, repositoryId: repository.id, path, baseBranch: defaultBranch, headCommit }
}
