/**
 * The work of a task: what its diff shows and what its commit records, by one rule.
 *
 * The work is what the folder holds. Only when the folder is clean and its HEAD lies behind the task's branch (somebody
 * looked at an older commit and left it there), it is what the branch holds. So an agent that ended on another branch,
 * on a detached HEAD or in the middle of a rebase loses nothing: the diff shows its files, and the commit has both
 * histories as parents.
 */
import type { Context } from './context.ts'
import { resolveRef } from './refs.ts'
import type { Repository } from './repository.ts'
import { takeSnapshot, type Snapshot, type SnapshotOptions } from './snapshot.ts'
import { headCommit, type Worktree } from './worktree.ts'

export interface Place {
  readonly repository: Repository
  readonly worktree: Worktree
}

export interface Work extends AsyncDisposable {
  readonly tree: string
  readonly snapshot: Snapshot
  /** HEAD of the folder; undefined on a branch without a commit. */
  readonly head: string | undefined
  /** The task's branch; undefined when it was deleted or renamed. */
  readonly tip: string | undefined
  /** The folder differs from its HEAD. */
  readonly dirty: boolean
  /** The commit that is the work already; undefined when one has to be made. */
  readonly commit: string | undefined
}

export async function lookAtWork(
  context: Context,
  place: Place,
  { branchName, ...options }: SnapshotOptions & { readonly branchName: string },
): Promise<Work> {
  const { repository, worktree } = place
  const [head, tip] = await Promise.all([
    headCommit(repository, worktree),
    resolveRef(repository, `refs/heads/${branchName}`),
  ])
  const snapshot = await takeSnapshot(context, place, options)
  try {
    const dirty = head === undefined || (await treeOf(repository, head)) !== snapshot.tree
    const commit = dirty ? undefined : await settled(repository, head, tip)
    const tree = commit === undefined || commit === head ? snapshot.tree : await treeOf(repository, commit)
    return { tree, snapshot, head, tip, dirty, commit, [Symbol.asyncDispose]: () => snapshot[Symbol.asyncDispose]() }
  } catch (error) {
    await snapshot[Symbol.asyncDispose]()
    throw error
  }
}

/** Of two commits the one that contains the other; undefined when they went apart. */
async function settled(repository: Repository, head: string, tip: string | undefined): Promise<string | undefined> {
  if (tip === undefined || (await isAncestor(repository, tip, head))) return head
  return (await isAncestor(repository, head, tip)) ? tip : undefined
}

export const treeOf = async (repository: Repository, commit: string): Promise<string> =>
  (await repository.git(['rev-parse', '--verify', '--end-of-options', `${commit}^{tree}`])).text

/** True also for a commit and itself. */
export async function isAncestor(repository: Repository, ancestor: string, commit: string): Promise<boolean> {
  if (ancestor === commit) return true
  return (await repository.git(['merge-base', '--is-ancestor', ancestor, commit], { accept: [1] })).code === 0
}
