/**
 * Commits what the agent left uncommitted to the branch of its task.
 *
 * The branch moves first, then HEAD of the folder, then its index. After a crash between them the folder only looks
 * dirty to the agent's git; the next look at the work compares contents, finds nothing to commit, and sets them right.
 */
import { constants } from 'node:fs'
import { link, lstat, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { backoffMs } from '../base/backoff.ts'
import { fail } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import { sleep } from '../base/waiting.ts'
import { assertIdentity, makeCommit, withTrailers, type Trailers } from './commit-message.ts'
import type { Context } from './context.ts'
import { updateRefs } from './refs.ts'
import { openRepository } from './repository.ts'
import { readGitFile } from './git-file.ts'
import { filteredFiles } from './filters.ts'
import { copyIndexFile } from './index-file.ts'
import { listWorktrees } from './worktree-records.ts'
import { currentBranch, openWorktree, type Worktree } from './worktree.ts'
import { isAncestor, lookAtWork, type Place, type Work } from './work.ts'

export interface CommitRequest {
  readonly repositoryPath: string
  readonly worktreePath: string
  readonly branchName: string
  readonly message: string
  readonly trailers: Trailers
  readonly signal?: AbortSignal | undefined
}

const INDEX_TRIES = 10
const INDEX_BACKOFF = { firstMs: 20, maxMs: 500 }

/**
 * Gives the head commit of the branch, a new one only if there was something to commit. Whatever the agent left behind,
 * a detached HEAD, another branch, a merge or rebase half done, the branch then has its files and its commits, HEAD is
 * on the branch, and nothing is in progress.
 * @throws TroupeError WORKTREE_MISSING, GIT_IDENTITY_MISSING, REPO_BRANCH_IN_USE, GIT_FAILED, TIMEOUT, ABORTED
 */
export async function commitWorkspace(context: Context, request: CommitRequest): Promise<{ commit: string }> {
  const repository = await openRepository(context, request.repositoryPath)
  const worktree = await openWorktree(context, repository, request.worktreePath)
  const place = { repository, worktree }
  return context.locks.run(worktree.path, async () => {
    const { branchName, signal } = request
    await using work = await lookAtWork(context, place, { branchName, objects: 'repository', signal })
    const onBranch = (await currentBranch(worktree)) === branchName
    if (!onBranch) await assertFree(context, place, branchName)
    const commit = work.commit ?? (await commitWork(context, place, { request, work }))
    faultPoint('workspace.work-committed')
    if (commit !== work.tip) await moveBranch(place, { request, from: work.tip, to: commit })
    faultPoint('workspace.branch-moved')
    if (!onBranch)
      await worktree.git(['symbolic-ref', '-m', 'troupe: back to the branch', 'HEAD', `refs/heads/${branchName}`])
    await settleFolder(worktree, work)
    return { commit }
  })
}

/** The branch must not move under a folder that somebody else works in. */
async function assertFree(context: Context, { repository, worktree }: Place, branchName: string): Promise<void> {
  const records = await listWorktrees(context, repository.commonDir)
  const other = records.find(({ branch, path }) => branch === `refs/heads/${branchName}` && path !== worktree.path)
  if (other) {
    fail('REPO_BRANCH_IN_USE', `The branch ${branchName} is checked out in ${other.path}. Check out another one there.`)
  }
}

interface Commission {
  readonly request: CommitRequest
  readonly work: Work
}

async function commitWork(context: Context, place: Place, { request, work }: Commission): Promise<string> {
  await assertIdentity(place.repository.git)
  await assertNoFilter(context, place, work)
  const parents = await parentsOf(place, work)
  const message = withTrailers(request.message, request.trailers)
  return makeCommit(place.repository.git, { tree: work.tree, parents, message })
}

/** The branch, HEAD where it is not part of the branch, and what a merge that is resolved was merging. */
async function parentsOf({ repository, worktree }: Place, { head, tip, snapshot }: Work): Promise<string[]> {
  const merging = snapshot.unmerged ? '' : (readGitFile(join(worktree.gitDir, 'MERGE_HEAD')) ?? '')
  const heads = merging.split('\n').filter((line) => /^[0-9a-f]{40,64}$/.test(line))
  const parents: string[] = []
  for (const commit of [tip, head, ...heads]) {
    if (commit === undefined) continue
    const covered = await Promise.all(parents.map((parent) => isAncestor(repository, commit, parent)))
    if (covered.includes(true)) continue
    const covering = await Promise.all(parents.map((parent) => isAncestor(repository, parent, commit)))
    parents.splice(0, parents.length, ...parents.filter((_, at) => !covering[at]), commit)
  }
  return parents
}

/** A file that a filter of the repository should have changed would be committed in the wrong form, perhaps decrypted. */
async function assertNoFilter(context: Context, { repository, worktree }: Place, work: Work): Promise<void> {
  const from = work.head ?? work.tip
  if (from === undefined) return
  const { text } = await repository.git(['diff-tree', '-r', '-z', '--name-only', '--diff-filter=d', from, work.tree])
  const files = await filteredFiles(context, { repository, worktree }, text.split('\0').filter(Boolean))
  if (files.length === 0) return
  const names = files.slice(0, 5).join(', ')
  fail(
    'GIT_FAILED',
    `${names}: their filter is set up in the repository's own configuration, which Troupe does not run. ` +
      'Set the filter up in your global git configuration, or commit these files yourself in the worktree.',
    { files },
  )
}

interface Move {
  readonly request: CommitRequest
  readonly from: string | undefined
  readonly to: string
}

async function moveBranch({ repository }: Place, { request, from, to }: Move): Promise<void> {
  const branch = `refs/heads/${request.branchName}`
  const line = from === undefined ? `create ${branch} ${to}` : `update ${branch} ${to} ${from}`
  await updateRefs(repository, `commit of ${request.trailers.taskId}`, [line])
}

const IN_PROGRESS = [
  ['rebase-merge', ['rebase', '--quit']],
  ['rebase-apply/applying', ['am', '--quit']],
  ['rebase-apply', ['rebase', '--quit']],
  ['CHERRY_PICK_HEAD', ['cherry-pick', '--quit']],
  ['REVERT_HEAD', ['revert', '--quit']],
  ['sequencer', ['cherry-pick', '--quit']],
  ['MERGE_HEAD', ['merge', '--quit']],
] as const

/** Forgets operations in progress (their files and commits are in the branch by now) and brings the index up to date. */
async function settleFolder(worktree: Worktree, work: Work): Promise<void> {
  for (const [sign, command] of IN_PROGRESS) {
    if (await lstat(join(worktree.gitDir, sign)).catch(() => undefined)) await worktree.git(command)
  }
  // When the branch is ahead of a clean folder, the files have to follow it.
  if (work.commit !== undefined && work.commit !== work.head) {
    await worktree.git(['read-tree', '-m', '-u', work.head ?? 'HEAD', work.commit])
    return
  }
  await installIndex(worktree, work.snapshot.index)
}

/**
 * By git's own protocol: whoever creates `index.lock` may replace the index by renaming it. Ours is a link to a file beside it,
 * so that the lock of a host that was killed is known for what it is.
 */
async function installIndex({ gitDir }: Worktree, index: string): Promise<void> {
  const target = join(gitDir, 'index')
  const [own, lock] = [`${target}.troupe`, `${target}.lock`]
  if (await areSame(own, lock)) await rm(lock, { force: true })
  await rm(own, { force: true })
  await copyIndexFile(index, own, constants.COPYFILE_EXCL)
  await takeLock(own, lock)
  faultPoint('workspace.index-locked')
  await rename(lock, target)
  await rm(own, { force: true })
}

async function takeLock(own: string, lock: string): Promise<void> {
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await link(own, lock)
    } catch (error) {
      const taken = error instanceof Error && 'code' in error && error.code === 'EEXIST'
      if (!taken) throw error
      if (attempt >= INDEX_TRIES) failLocked(lock)
      await sleep(backoffMs(INDEX_BACKOFF, attempt))
    }
  }
}

const failLocked = (lock: string): never =>
  fail(
    'GIT_FAILED',
    `Another git is at work in the worktree: ${lock} is there. Delete it if no git runs, and try again.`,
  )

async function areSame(one: string, other: string): Promise<boolean> {
  const [first, second] = await Promise.all([one, other].map((path) => lstat(path).catch(() => undefined)))
  return first !== undefined && second !== undefined && first.dev === second.dev && first.ino === second.ino
}
