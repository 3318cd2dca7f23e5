/**
 * A worktree for a task: branch, folder, files, setup.
 *
 * Each step first looks whether it was done, so that a crash between any two of them is mended by calling again.
 * W1  A branch is ours only if `refs/troupe/base/<task>` says so; both are made in one transaction.
 * W2, W4  task-worktree.ts
 * W3  The mark beside the folder says that the setup ran; nobody gets a worktree without it.
 */
import { writeFile } from 'node:fs/promises'
import { fail, TroupeError } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import { isBranchName } from './branch-name.ts'
import { baseRef, taskFolder, type Context } from './context.ts'
import { entryAt } from './git-file.ts'
import { resolveBranch, resolveRef, updateRefs } from './refs.ts'
import { openRepository, type Repository } from './repository.ts'
import { copyUntracked, runSetup, type Setup } from './setup.ts'
import { ensureWorktree, findWorktree, markOf } from './task-worktree.ts'
import { claimFiles, refillPool } from './worktree-pool.ts'
import { listWorktrees, worktreeFolders } from './worktree-records.ts'
import { readHead, type Worktree } from './worktree.ts'

export interface PrepareRequest {
  readonly taskId: string
  readonly repositoryPath: string
  readonly baseBranch: string
  /** Where the task begins; without it, where the base branch is. */
  readonly baseCommit?: string | undefined
  readonly branchName: string
  readonly setup: Setup
  /** The whole environment of `setup.run`. */
  readonly env: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

export interface PreparedWorkspace {
  readonly path: string
  readonly branchName: string
  /** Where the task began. */
  readonly baseCommit: string
  /** False when the worktree was there already, with the agent's work in it. */
  readonly created: boolean
  /** What the setup left out, for the log of the task. */
  readonly notices: readonly string[]
}

/**
 * Gives the task its worktree, made or found again.
 * @throws TroupeError REPO_*, WORKTREE_SETUP_FAILED, GIT_FAILED, TIMEOUT, ABORTED
 */
export async function prepareWorkspace(context: Context, request: PrepareRequest): Promise<PreparedWorkspace> {
  const folder = taskFolder(context, request.taskId)
  const { branchName, signal } = request
  if (!isBranchName(branchName)) fail('INVALID_PARAMS', `"${branchName}" is no name for a branch.`)
  return context.locks.run(folder, async () => {
    const repository = await openRepository(context, request.repositoryPath)
    const [branch, found] = await Promise.all([lookAtBranch(repository, request), findWorktree(repository, folder)])
    const created = !found.usable
    // Begun here, it has looked at the files by the time that git has made the branch and the record.
    await using claim = created ? claimFiles(context, repository, { commit: branch.tip, signal }) : undefined
    await ensureBranch(context, repository, { request, branch, path: found.path })
    faultPoint('workspace.branch-made')
    const worktree = await ensureWorktree(context, repository, { found, branchName, claim, signal })
    const notices = await ensureSetup(context, repository, { request, worktree })
    if (created) refillPool(context, request)
    return { path: worktree.path, branchName, baseCommit: branch.baseCommit, created, notices }
  })
}

interface TaskBranch {
  readonly baseCommit: string
  /** Where the branch is, or is going to be. */
  readonly tip: string
  /** `lost`: it was ours, and somebody deleted it. */
  readonly state: 'new' | 'there' | 'lost'
}

/** W1 */
async function lookAtBranch(repository: Repository, request: PrepareRequest): Promise<TaskBranch> {
  const { taskId, branchName, baseBranch } = request
  const [recorded, tip] = await Promise.all([
    resolveRef(repository, baseRef(taskId)),
    resolveRef(repository, `refs/heads/${branchName}`),
  ])
  if (recorded !== undefined)
    return { baseCommit: recorded, tip: tip ?? recorded, state: tip === undefined ? 'lost' : 'there' }
  if (tip !== undefined) branchTaken(branchName, branchName)
  const base = request.baseCommit ?? (await resolveBranch(repository, baseBranch))
  return { baseCommit: base, tip: base, state: 'new' }
}

interface BranchRequest {
  readonly request: PrepareRequest
  readonly branch: TaskBranch
  /** Of the task's worktree. */
  readonly path: string
}

/** W1 */
async function ensureBranch(
  context: Context,
  repository: Repository,
  { request, branch, path }: BranchRequest,
): Promise<void> {
  const { taskId, branchName } = request
  const create = `create refs/heads/${branchName} ${branch.tip}`
  if (branch.state === 'new') {
    await updateRefs(repository, `begin ${taskId}`, [create, `create ${baseRef(taskId)} ${branch.tip}`]).catch(
      (error: unknown) => inTheWay(error, branchName),
    )
    return
  }
  if (branch.state === 'lost') await updateRefs(repository, `restore ${taskId}`, [create])
  // A branch that is new nobody can have checked out.
  await assertNotInUse(context, repository, { branchName, path })
}

/** `a` and `a/b` cannot both be branches; git names the one in the way. */
function inTheWay(error: unknown, branchName: string): never {
  const words = error instanceof TroupeError ? error.message : ''
  const other = /'refs\/heads\/([^']+)' exists/.exec(words)?.[1]
  if (other !== undefined) branchTaken(branchName, other)
  throw error
}

function branchTaken(wanted: string, existing: string): never {
  const why = wanted === existing ? 'it exists already' : `the branch ${existing} is in its way`
  fail('REPO_BRANCH_EXISTS', `The branch ${wanted} cannot be made: ${why}. Choose another branch name or template.`)
}

interface Use {
  readonly branchName: string
  /** Of the worktree that may have the branch. */
  readonly path: string
}

async function assertNotInUse(context: Context, repository: Repository, { branchName, path }: Use): Promise<void> {
  if (!(await mayBeInUse(repository, { branchName, path }))) return
  const records = await listWorktrees(context, repository.commonDir)
  const other = records.find(
    (record) => record.branch === `refs/heads/${branchName}` && record.path !== path && !record.prunable,
  )
  if (other)
    fail('REPO_BRANCH_IN_USE', `The branch ${branchName} is checked out in ${other.path}. Check out another there.`)
}

/** By the files, which saves a process; where one is not plain, git has its say. */
async function mayBeInUse({ commonDir }: Repository, { branchName, path }: Use): Promise<boolean> {
  const others = (await worktreeFolders(commonDir)).filter((folder) => folder.path !== path)
  const heads = [{ gitDir: commonDir }, ...others].map(readHead)
  return heads.some((head) => !head || ('branch' in head && head.branch === branchName))
}

async function ensureSetup(
  context: Context,
  repository: Repository,
  { request, worktree }: { readonly request: PrepareRequest; readonly worktree: Worktree },
): Promise<string[]> {
  const mark = markOf(worktree.path)
  if (entryAt(mark)) return []
  const { setup, env, signal } = request
  const notices = await copyUntracked(context, repository, { paths: setup.copy, to: worktree.path })
  await runSetup(setup, { cwd: worktree.path, env, signal })
  faultPoint('workspace.setup-run')
  await writeFile(mark, '') // W3
  return notices
}
