/**
 * Brings the work of a task into its base branch, without checking anything out.
 *
 * M1  The base branch and `refs/troupe/merged/<task>` move in one transaction, if the base is still where the merge was
 *     computed from. So a merge happened or did not, and asked again it gives the same commit.
 * M2  A folder that has the base branch checked out is looked at before: if the merge would overwrite anything there,
 *     nothing at all is changed.
 * M3  It follows after the transaction. After a crash between them its index is that of the old base; asked again, the
 *     merge finds the folder so and brings it along then.
 */
import { fail, TroupeError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { MergeStrategy } from '../contract/statuses.ts'
import { assertIdentity, makeCommit, withTrailers, type Trailers } from './commit-message.ts'
import { assertFollows, follow, foldersOn } from './checked-out.ts'
import { mergedFromRef, mergedRef, type Context } from './context.ts'
import { resolveBranch, resolveRef, updateRefs } from './refs.ts'
import { openRepository, type Repository } from './repository.ts'
import { isAncestor, treeOf } from './work.ts'

export interface MergeRequest {
  readonly repositoryPath: string
  readonly branchName: string
  readonly baseBranch: string
  /** Where the task began. */
  readonly baseCommit: string
  readonly strategy: MergeStrategy
  readonly message: string
  readonly trailers: Trailers
  readonly signal?: AbortSignal | undefined
}

export interface Merged {
  /** The commit on the base branch that brought the work in. */
  readonly commit: string
  /** Where the task's branch was. */
  readonly endCommit: string
  /** Folders on the base branch that could not be brought along; they look as if the merge were undone in them. */
  readonly leftBehind: readonly string[]
}

const TRIES = 5
/** Of files in an error. */
const MOST_NAMED = 5

/**
 * @throws TroupeError MERGE_CONFLICT and MERGE_BLOCKED (both with `details.files`), MERGE_NOT_FAST_FORWARD,
 * TASK_NO_CHANGES, REPO_BRANCH_MISSING, GIT_IDENTITY_MISSING, CONFLICT when the base branch never stands still,
 * GIT_FAILED. Nothing is changed then.
 */
export async function mergeWorkspace(context: Context, request: MergeRequest): Promise<Merged> {
  const repository = await openRepository(context, request.repositoryPath)
  return context.locks.run(repository.commonDir, async () => {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      const merged = await tryMerge(context, repository, request)
      if (merged) return merged
    }
    return fail('CONFLICT', `The branch ${request.baseBranch} moved each time that the merge was ready. Try again.`)
  })
}

/** Undefined when the base branch moved meanwhile. */
async function tryMerge(context: Context, repository: Repository, request: MergeRequest): Promise<Merged | undefined> {
  const { branchName, baseBranch, trailers } = request
  const base = await resolveBranch(repository, baseBranch)
  const tip = await resolveRef(repository, `refs/heads/${branchName}`)
  const earlier = await earlierMerge(repository, request, { base, tip })
  const folders = await foldersOn(context, repository, baseBranch)
  if (earlier !== undefined) {
    const from = await resolveRef(repository, mergedFromRef(trailers.taskId))
    const step = from !== undefined && earlier === base ? { from, to: earlier } : undefined
    return { commit: earlier, endCommit: tip ?? earlier, leftBehind: step ? await follow(context, folders, step) : [] } // M3
  }
  const endCommit = tip ?? (await resolveBranch(repository, branchName))
  const commit = await mergeCommit(repository, request, { base, tip: endCommit })
  await assertFollows(context, folders, { from: base, to: commit }) // M2
  faultPoint('workspace.merge-made')
  const moved = await moveBase(repository, request, { base, commit })
  faultPoint('workspace.base-moved')
  if (!moved) return undefined
  context.logger.info({ taskId: trailers.taskId, baseBranch, commit }, 'the work of a task was merged')
  return { commit, endCommit, leftBehind: await follow(context, folders, { from: base, to: commit }) }
}

interface Ends {
  readonly base: string
  readonly tip: string | undefined
}

/** The commit of a merge that happened: ours by its ref, or one that the user made by hand. */
async function earlierMerge(
  repository: Repository,
  request: MergeRequest,
  { base, tip }: Ends,
): Promise<string | undefined> {
  const recorded = await resolveRef(repository, mergedRef(request.trailers.taskId))
  // When the user took the merge back from the base branch, it is wanted once more.
  if (recorded !== undefined && (await isAncestor(repository, recorded, base))) return recorded
  if (tip === undefined || tip === request.baseCommit || !(await isAncestor(repository, tip, base))) return undefined
  if ((await treeOf(repository, tip)) === (await treeOf(repository, request.baseCommit))) return undefined
  const args = ['rev-list', '--first-parent', '--ancestry-path', '--reverse', '--parents', `${tip}..${base}`]
  const [commit, parent] = (await repository.git(args)).text.split('\n')[0]?.split(' ') ?? []
  // Nothing between, or the next commit sits right on the tip: it was a fast-forward.
  return commit === undefined || commit === '' || parent === tip ? tip : commit
}

async function mergeCommit(
  repository: Repository,
  request: MergeRequest,
  { base, tip }: { readonly base: string; readonly tip: string },
): Promise<string> {
  const { strategy, branchName, baseBranch, baseCommit } = request
  if ((await treeOf(repository, tip)) === (await treeOf(repository, baseCommit)))
    noChanges(branchName, 'changed nothing')
  if (strategy === 'fast_forward') {
    if (await isAncestor(repository, base, tip)) return tip
    fail('MERGE_NOT_FAST_FORWARD', `${baseBranch} has moved on since the task began. Merge with "merge" or "squash".`)
  }
  await assertIdentity(repository.git)
  const tree = await mergeTrees(repository, request, { base, tip })
  if (tree === (await treeOf(repository, base)))
    noChanges(branchName, `changed nothing that ${baseBranch} does not have`)
  const parents = strategy === 'merge' ? [base, tip] : [base]
  return makeCommit(repository.git, { tree, parents, message: withTrailers(request.message, request.trailers) })
}

const noChanges = (branch: string, what: string): never =>
  fail(
    'TASK_NO_CHANGES',
    `The branch ${branch} ${what}, so there is nothing to merge. Request changes, or reject the task.`,
  )

async function mergeTrees(
  repository: Repository,
  { branchName, baseBranch, signal }: MergeRequest,
  { base, tip }: { readonly base: string; readonly tip: string },
): Promise<string> {
  const args = ['merge-tree', '--write-tree', '-z', '--name-only', '--no-messages', base, tip]
  const { code, text } = await repository.git(args, { accept: [1], signal })
  const [tree = '', ...files] = text.split('\0').filter(Boolean)
  if (code === 0) return tree
  const names = [...new Set(files)]
  const more = names.length > MOST_NAMED ? ` and ${names.length - MOST_NAMED} more` : ''
  const some = names.slice(0, MOST_NAMED).join(', ') + more
  return fail(
    'MERGE_CONFLICT',
    `${branchName} and ${baseBranch} conflict in ${some}. Nothing was changed. ` +
      `Request changes so that the agent merges ${baseBranch} into its branch, or merge by hand.`,
    { files: names },
  )
}

/** False when the base branch is no longer where it was. // M1 */
async function moveBase(
  repository: Repository,
  { baseBranch, trailers }: MergeRequest,
  { base, commit }: { readonly base: string; readonly commit: string },
): Promise<boolean> {
  const lines = [
    `update refs/heads/${baseBranch} ${commit} ${base}`,
    `update ${mergedRef(trailers.taskId)} ${commit}`,
    `update ${mergedFromRef(trailers.taskId)} ${base}`,
  ]
  try {
    await updateRefs(repository, `merge of ${trailers.taskId}`, lines)
    return true
  } catch (error) {
    const moved = (await resolveRef(repository, `refs/heads/${baseBranch}`)) !== base
    if (moved && error instanceof TroupeError && error.code === 'GIT_FAILED') return false
    throw error
  }
}
