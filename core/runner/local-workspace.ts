/** The worktrees of this machine, as the engine, the handlers and the runner ask for them. */
import { rename } from 'node:fs/promises'
import { fail, TroupeError, type ErrorCode } from '../base/errors.ts'
import type { TaskPlace, WorkspacePort } from '../engine/ports.ts'
import { branchName, isBranchName } from '../workspace/branch-name.ts'
import type { Setup } from '../workspace/setup.ts'
import type { Workspaces } from '../workspace/workspaces.ts'
import type { RunnerWorkspace } from './ports.ts'

/** What the configuration says of worktrees of a repository. */
export interface WorkspaceSetup {
  readonly setup: Setup
  readonly branchTemplate: string
  /** What of the repository's own configuration was ignored; for the log of its tasks. */
  readonly notices: readonly string[]
}

export interface LocalWorkspaceDeps {
  readonly workspaces: Workspaces
  /** The repository's configuration. */
  readonly setup: (repositoryPath: string) => WorkspaceSetup
}

/** The most that a review shows of one file. */
const MAX_FILE_BYTES = 2 * 1024 * 1024

/** An attempt has a base commit before it has begun. */
function baseCommitOf({ baseCommit, worktreePath, title }: TaskPlace): string {
  if (baseCommit !== undefined && worktreePath !== undefined) return baseCommit
  return fail('CONFLICT', `Task "${title}" has not begun, so there is nothing to show. Start it first.`)
}

const trailersOf = ({ taskId, agent }: TaskPlace) => ({ taskId, agent })

async function merge(workspaces: Workspaces, place: TaskPlace, how: Parameters<WorkspacePort['merge']>[1]) {
  const { repositoryPath, branchName: branch, baseBranch, worktreePath, title } = place
  const common = { repositoryPath, branchName: branch, trailers: trailersOf(place), signal: how.signal }
  const message = how.message ?? (how.strategy === 'merge' ? `Merge branch '${branch}'\n\n${title}` : title)
  if (worktreePath !== undefined) await commitRest(workspaces, { ...common, worktreePath, message: title })
  const baseCommit = baseCommitOf(place)
  const { strategy } = how
  return workspaces.mergeWorkspace({ ...common, baseBranch, baseCommit, strategy, message })
}

async function push(workspaces: Workspaces, place: TaskPlace, to: Parameters<WorkspacePort['push']>[1]) {
  const { taskId, repositoryPath, branchName: branch, worktreePath, title, baseCommit } = place
  const common = { repositoryPath, branchName: branch, signal: to.signal }
  if (worktreePath !== undefined) {
    await commitRest(workspaces, { ...common, worktreePath, message: title, trailers: trailersOf(place) })
  }
  if ((await workspaces.branchTip(common)) === baseCommit) {
    fail('TASK_NO_CHANGES', `The branch ${branch} changed nothing, so there is nothing to propose.`)
  }
  return workspaces.pushBranch({ ...common, taskId, remoteUrl: to.remoteUrl })
}

/** @throws TroupeError INVALID_PARAMS, REPO_BRANCH_EXISTS */
async function checkBranch(workspaces: Workspaces, repositoryPath: string, name: string): Promise<void> {
  if (!isBranchName(name))
    fail('INVALID_PARAMS', `${JSON.stringify(name)} is no name for a branch. Choose another one.`)
  if ((await workspaces.branchTip({ repositoryPath, branchName: name })) === undefined) return
  fail('REPO_BRANCH_EXISTS', `The branch ${name} exists already. Choose another name for the task's branch.`)
}

/** A worktree that is gone holds nothing uncommitted; the branch has the rest. */
async function commitRest(
  workspaces: Workspaces,
  request: Parameters<Workspaces['commitWorkspace']>[0],
): Promise<void> {
  try {
    await workspaces.commitWorkspace(request)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}

async function remove(workspaces: Workspaces, place: TaskPlace, saveAs: string): Promise<void> {
  const { taskId, repositoryPath, branchName: branch, worktreePath } = place
  if (worktreePath === undefined) return
  const saveRef = `refs/troupe/saved/${saveAs}`
  const common = { taskId, repositoryPath, branchName: branch, worktreePath, saveRef }
  try {
    // Only a branch whose commits are all on others goes.
    await workspaces.removeWorkspace({ ...common, deleteBranch: true })
  } catch (error) {
    await keepAside(error, worktreePath)
  }
}

/** The repository is gone, so there is no ref to save uncommitted work to: the folder is kept under another name. */
async function keepAside(reason: unknown, worktreePath: string): Promise<void> {
  if (!(reason instanceof TroupeError) || !GONE.includes(reason.code)) throw reason
  try {
    await rename(worktreePath, `${worktreePath}.orphaned-${Date.now()}`)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
  }
}

const GONE: readonly ErrorCode[] = ['REPO_NOT_FOUND', 'REPO_NOT_GIT']

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'WORKTREE_MISSING'

export function makeLocalWorkspace({ workspaces, setup }: LocalWorkspaceDeps): WorkspacePort & RunnerWorkspace {
  return {
    async prepare(place, { env, signal }) {
      const { taskId, repositoryPath, baseBranch, baseCommit, branchName: branch } = place
      const { setup: steps, notices } = setup(repositoryPath)
      const prepared = await workspaces.prepareWorkspace({
        taskId,
        repositoryPath,
        baseBranch,
        baseCommit,
        branchName: branch,
        setup: steps,
        env,
        signal,
      })
      return { ...prepared, notices: prepared.created ? [...notices, ...prepared.notices] : prepared.notices }
    },
    headCommit: ({ repositoryPath, branchName: branch }) =>
      workspaces.branchTip({ repositoryPath, branchName: branch }),
    diff: (place) => {
      const { repositoryPath, branchName: branch, worktreePath } = place
      const baseCommit = baseCommitOf(place)
      return workspaces.diffWorkspace({ repositoryPath, branchName: branch, worktreePath, baseCommit })
    },
    file: async ({ worktreePath, repositoryPath, ...place }, path, side) => {
      const common = { repositoryPath, path, maxBytes: MAX_FILE_BYTES }
      const useWorktree = side === 'work' && worktreePath !== undefined
      const commit = side === 'base' ? place.baseCommit : `refs/heads/${place.branchName}`
      const from = useWorktree ? { worktreePath } : { commit: commit ?? fail('CONFLICT', 'The task has not begun.') }
      return workspaces.readFile({ ...common, from })
    },
    merge: (place, how) => merge(workspaces, place, how),
    push: (place, to) => push(workspaces, place, to),
    remove: (place, saveAs) => remove(workspaces, place, saveAs),
    checkBranch: (repositoryPath, name) => checkBranch(workspaces, repositoryPath, name),
    inspect: (path, branch) => workspaces.inspectRepository(path, { branch }),
    keepReady: (repositoryPath, baseBranch) => workspaces.keepReady({ repositoryPath, baseBranch }),
    forget: (repositoryPath) => workspaces.forgetRepository(repositoryPath),
    branchName: (task, repositoryPath) => branchName(setup(repositoryPath).branchTemplate, task),
    async files(repositoryPath, query) {
      const { files, more } = await workspaces.listFiles({ repositoryPath, ...query })
      return { files: [...files], more }
    },
  }
}
