/**
 * Takes the worktree of a task away, after what is in it was made safe.
 *
 * D1  Uncommitted work, and commits that the branch does not have, are at `saveRef` before anything is deleted.
 * D2  Any failure before that leaves everything as it is; nothing is deleted because a look-up failed.
 * D3  Only a folder of this task in our data directory goes to the trash (trash.ts), and its record after it. A crash
 *     between them leaves a record without a folder, which the next call (or reconcile) takes away.
 */
import { lstat, realpath, rm, rmdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { fail } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import { KEEPER, makeCommit } from './commit-message.ts'
import { baseRef, mergedFromRef, mergedRef, pushedRef, taskFolder, type Context } from './context.ts'
import { markOf } from './task-worktree.ts'
import { resolveRef, updateRefs } from './refs.ts'
import { openRepository, type Repository } from './repository.ts'
import { forgetWorktree, worktreeFolders, type WorktreeFolder } from './worktree-records.ts'
import { openWorktree } from './worktree.ts'
import { isAncestor, lookAtWork, treeOf, type Place } from './work.ts'

export interface RemoveRequest {
  readonly taskId: string
  readonly repositoryPath: string
  readonly worktreePath: string
  readonly branchName: string
  /** Full name of a ref, as `refs/troupe/saved/<session>`. */
  readonly saveRef: string
  /** Delete the branch too, if every commit of it is on another branch. */
  readonly deleteBranch?: boolean
  readonly signal?: AbortSignal | undefined
}

export interface Removed {
  /** The commit at `saveRef`; absent when there was nothing to save. */
  readonly savedCommit?: string
  readonly branchDeleted: boolean
}

/**
 * Done twice it does no more than once.
 * @throws TroupeError CONFLICT when the worktree is locked or not this task's, GIT_FAILED, REPO_NOT_FOUND, TIMEOUT
 */
export async function removeWorkspace(context: Context, request: RemoveRequest): Promise<Removed> {
  const folder = taskFolder(context, request.taskId)
  if (!/^refs\/troupe\/saved\/[A-Za-z0-9._-]+$/.test(request.saveRef))
    fail('INVALID_PARAMS', 'saveRef is not a saved ref.')
  return context.locks.run(folder, async () => {
    const repository = await openRepository(context, request.repositoryPath)
    const path = await ownPath(folder, request.worktreePath)
    const record = (await worktreeFolders(repository.commonDir)).find((each) => each.path === path)
    assertRemovable(record, path)
    const savedCommit = (await exists(path)) ? await removeFolder(context, repository, { request, path }) : undefined
    faultPoint('workspace.folder-removed')
    if (record) await forgetWorktree(context, repository, path)
    await rm(markOf(path), { force: true })
    await rmdir(folder).catch(() => {}) // Another repository of the task may still have its worktree there.
    const branchDeleted = request.deleteBranch === true && (await deleteBranch(repository, request))
    return { ...(savedCommit !== undefined && { savedCommit }), branchDeleted }
  })
}

/** The real path, also of a folder that is gone. // D3 */
async function ownPath(folder: string, path: string): Promise<string> {
  const real = await realpath(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return path
    throw error
  })
  if (dirname(real) !== folder) fail('CONFLICT', `${path} is not a worktree of this task, so it is left as it is.`)
  return real
}

function assertRemovable(record: WorktreeFolder | undefined, path: string): void {
  if (record?.locked === undefined || record.locked === 'initializing') return
  fail('CONFLICT', `The worktree ${path} is locked (${record.locked || 'no reason given'}). Run: git worktree unlock`)
}

const exists = async (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error // D2
    },
  )

interface Removal {
  readonly request: RemoveRequest
  readonly path: string
}

async function removeFolder(
  context: Context,
  repository: Repository,
  { request, path }: Removal,
): Promise<string | undefined> {
  const worktree = await openWorktree(context, repository, path) // D2
  const saved = await save(context, { repository, worktree }, request)
  faultPoint('workspace.work-saved')
  await context.trash.discard(path)
  return saved
}

/** D1 */
async function save(context: Context, place: Place, request: RemoveRequest): Promise<string | undefined> {
  const { branchName, saveRef, signal } = request
  const options = { branchName, objects: 'repository', submodules: 'files', signal } as const
  await using work = await lookAtWork(context, place, options)
  const commit = work.dirty ? await keep(place, work) : await unreached(place, work)
  if (commit === undefined) return undefined
  // Saved by an earlier call that then failed; the same content again needs no second commit.
  const earlier = await resolveRef(place.repository, saveRef)
  if (earlier !== undefined && (await treeOf(place.repository, earlier)) === work.snapshot.tree) return earlier
  await updateRefs(place.repository, 'saved before removal', [`update ${saveRef} ${commit}`])
  return commit
}

interface Ends {
  readonly head: string | undefined
  readonly tip: string | undefined
}

function keep({ repository }: Place, { head, tip, snapshot }: Ends & { readonly snapshot: { readonly tree: string } }) {
  const parent = head ?? tip
  const message = 'Work that was not committed when its worktree was removed\n'
  return makeCommit(repository.git, { tree: snapshot.tree, parents: parent ? [parent] : [], message, env: KEEPER })
}

/** HEAD, when it has commits that the branch has not. */
async function unreached({ repository }: Place, { head, tip }: Ends): Promise<string | undefined> {
  if (head === undefined) return undefined
  return tip !== undefined && (await isAncestor(repository, head, tip)) ? undefined : head
}

async function deleteBranch(repository: Repository, { taskId, branchName }: RemoveRequest): Promise<boolean> {
  const branch = `refs/heads/${branchName}`
  const tip = await resolveRef(repository, branch)
  if (tip === undefined) return false
  // Holds for `--branches` only, and wants the short name.
  const others = [`--exclude=${branchName}`, '--branches', '--remotes']
  const own = await repository.git(['rev-list', '--max-count=1', tip, '--not', ...others])
  if (own.text !== '') return false
  const ours = [baseRef(taskId), mergedRef(taskId), mergedFromRef(taskId), pushedRef(taskId)]
  const present = (
    await Promise.all(ours.map(async (ref) => ((await resolveRef(repository, ref)) ? [ref] : [])))
  ).flat()
  // Ours only if it has a base ref; another branch of that name is not touched.
  if (!present.includes(baseRef(taskId))) return false
  await updateRefs(repository, `end ${taskId}`, [`delete ${branch} ${tip}`, ...present.map((ref) => `delete ${ref}`)])
  return true
}
