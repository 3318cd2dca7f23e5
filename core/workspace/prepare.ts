/**
 * A worktree for a task: branch, folder, files, setup.
 *
 * Each step first looks whether it was done, so that a crash between any two of them is mended by calling again.
 * W1  A branch is ours only if `refs/troupe/base/<task>` says so; both are made in one transaction.
 * W2  A folder without an index was never finished, so no agent has seen it: its files may be written again.
 * W3  The mark beside the folder says that the setup ran; nobody gets a worktree without it.
 * W4  What holds content and is not known to git is moved aside, never deleted.
 */
import { lstat, mkdir, realpath, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { createHash } from 'node:crypto'
import { fail, TroupeError } from '../base/errors.ts'
import { isBranchName } from './branch-name.ts'
import { baseRef, taskFolder, type Context } from './context.ts'
import { readGitFile } from './git-file.ts'
import { isInside } from './inside.ts'
import { openRepository, repositoryName, resolveBranch, resolveRef, updateRefs, type Repository } from './repository.ts'
import { worktreeConfig } from './repository-view.ts'
import { copyUntracked, runSetup, type Setup } from './setup.ts'
import {
  administrativeFolder,
  changeWorktrees,
  forgetWorktree,
  listWorktrees,
  type WorktreeRecord,
} from './worktree-records.ts'
import { bindWorktree, type Worktree } from './worktree.ts'

export interface PrepareRequest {
  readonly taskId: string
  readonly repositoryPath: string
  readonly baseBranch: string
  readonly branchName: string
  readonly setup: Setup
  /** The whole environment of `setup.run`. */
  readonly env: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

export interface PreparedWorkspace {
  readonly path: string
  readonly branchName: string
  /** The base branch as it was when the task first got its worktree. */
  readonly baseCommit: string
  /** False when the worktree was there already, with the agent's work in it. */
  readonly created: boolean
  /** What the setup left out, for the log of the task. */
  readonly notices: readonly string[]
}

const CHECKOUT_TIMEOUT_MS = 15 * 60_000

/**
 * Gives the task its worktree, made or found again.
 * @throws TroupeError REPO_*, WORKTREE_SETUP_FAILED, GIT_FAILED, TIMEOUT, ABORTED
 */
export async function prepareWorkspace(context: Context, request: PrepareRequest): Promise<PreparedWorkspace> {
  const folder = taskFolder(context, request.taskId)
  if (!isBranchName(request.branchName)) fail('INVALID_PARAMS', `"${request.branchName}" is no name for a branch.`)
  return context.locks.run(folder, async () => {
    const repository = await openRepository(context, request.repositoryPath)
    const baseCommit = await ensureBranch(repository, request)
    const records = await listWorktrees(context, repository.commonDir)
    const record = records.find(({ path }) => dirname(path) === folder)
    assertNotInUse(records, request.branchName, record)
    const path = record?.path ?? (await freePath(context, repository, folder))
    const { worktree, created } = await ensureWorktree(context, repository, { ...request, path, record })
    const notices = await ensureSetup(context, repository, { request, worktree })
    return { path, branchName: request.branchName, baseCommit, created, notices }
  })
}

/** Gives the base commit. // W1 */
async function ensureBranch(repository: Repository, request: PrepareRequest): Promise<string> {
  const { taskId, branchName, baseBranch } = request
  const branch = `refs/heads/${branchName}`
  const recorded = await resolveRef(repository, baseRef(taskId))
  const exists = (await resolveRef(repository, branch)) !== undefined
  if (recorded !== undefined) {
    if (!exists) await updateRefs(repository, `restore ${taskId}`, [`create ${branch} ${recorded}`])
    return recorded
  }
  if (exists) branchTaken(branchName, branchName)
  const base = await resolveBranch(repository, baseBranch)
  await updateRefs(repository, `begin ${taskId}`, [
    `create ${branch} ${base}`,
    `create ${baseRef(taskId)} ${base}`,
  ]).catch((error: unknown) => {
    // `a` and `a/b` cannot both be branches; git names the one in the way.
    const words = error instanceof TroupeError ? error.message : ''
    const other = /'refs\/heads\/([^']+)' exists/.exec(words)?.[1]
    if (other !== undefined) branchTaken(branchName, other)
    throw error
  })
  return base
}

function branchTaken(wanted: string, existing: string): never {
  const why = wanted === existing ? 'it exists already' : `the branch ${existing} is in its way`
  fail('REPO_BRANCH_EXISTS', `The branch ${wanted} cannot be made: ${why}. Choose another branch name or template.`)
}

function assertNotInUse(records: readonly WorktreeRecord[], branch: string, own: WorktreeRecord | undefined): void {
  const other = records.find((record) => record.branch === `refs/heads/${branch}` && record !== own && !record.prunable)
  if (other)
    fail('REPO_BRANCH_IN_USE', `The branch ${branch} is checked out in ${other.path}. Check out another there.`)
}

/** Two repositories of one task may have the same name. */
async function freePath(context: Context, repository: Repository, folder: string): Promise<string> {
  const path = join(folder, safeName(repository.root))
  const gitFile = await readGitFile(join(path, '.git'))
  const owner =
    gitFile === undefined ? undefined : await realpath(gitFile.slice('gitdir: '.length).trimEnd()).catch(() => '')
  if (!owner || isInside(repository.commonDir, owner)) return path
  return `${path}-${createHash('sha256').update(repository.commonDir).digest('hex').slice(0, 8)}`
}

/** Plain ASCII: build tools of the agent's world break on less. */
function safeName(root: string): string {
  const name = repositoryName(root)
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[-.]+|[-.]+$/g, '')
    .slice(0, 60)
  return name === '' ? 'repository' : name
}

interface WorktreeRequest extends PrepareRequest {
  readonly path: string
  readonly record: WorktreeRecord | undefined
}

async function ensureWorktree(
  context: Context,
  repository: Repository,
  request: WorktreeRequest,
): Promise<{ worktree: Worktree; created: boolean }> {
  const { path, record, branchName, signal } = request
  const usable = record !== undefined && record.locked !== 'initializing' && (await isFolder(path))
  if (!usable) {
    await clearTheWay(context, repository, { path, record })
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    await changeWorktrees(context, repository, ['add', '--no-checkout', '--', path, branchName], { signal })
  }
  const gitDir = await administrativeFolder(repository.commonDir, path)
  if (gitDir === undefined) fail('WORKTREE_MISSING', `git has no record of ${path}. Start the task again.`)
  await writeGitFile(context, path, gitDir)
  if (!usable) await writeFile(join(gitDir, 'config.worktree'), await worktreeConfig(context, repository.commonDir))
  const worktree = bindWorktree(context, repository, { path, gitDir })
  await ensureFiles(worktree, signal)
  return { worktree, created: !usable }
}

/** An agent can break its `.git` file, and a moved repository makes it stale. */
async function writeGitFile(context: Context, path: string, gitDir: string): Promise<void> {
  const file = join(path, '.git')
  const content = `gitdir: ${gitDir}\n`
  const state = await lstat(file).catch(() => undefined)
  if (state?.isFile() && (await readGitFile(file)) === content) return
  if (state?.isFile() || state?.isSymbolicLink()) await rm(file)
  // A repository that the agent made in its place; not inside, where it would be taken for work. // W4
  else if (state) await rename(file, `${path}.git-aside-${context.clock.now()}`)
  await writeFile(file, content, { flag: 'wx' })
}

async function ensureFiles(worktree: Worktree, signal: AbortSignal | undefined): Promise<void> {
  if (await lstat(join(worktree.gitDir, 'index')).catch(() => undefined)) return
  const finished = await lstat(markOf(worktree.path)).catch(() => undefined)
  // An index that went missing later must not cost work: only the index is made again. // W2
  const mode = finished ? [] : ['--reset', '-u']
  await worktree.git(['read-tree', ...mode, 'HEAD'], { signal, timeoutMs: CHECKOUT_TIMEOUT_MS })
}

/** Takes away a record without a folder, a folder that is empty, and what a crashed `worktree add` left. // W4 */
async function clearTheWay(
  context: Context,
  repository: Repository,
  { path, record }: { readonly path: string; readonly record: WorktreeRecord | undefined },
): Promise<void> {
  await rm(markOf(path), { force: true })
  if (record?.locked === 'initializing') await rm(join(path, '.git'), { force: true })
  const emptied = await rmdir(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )
  if (!emptied) {
    const aside = `${path}.aside-${context.clock.now()}`
    await rename(path, aside)
    context.logger.warn({ path, aside }, 'git did not know a folder of this task; it was moved aside')
  }
  if (record) await forgetWorktree(context, repository, path)
}

/** Lies beside the worktree, out of the sight of `git status`. */
export const markOf = (path: string): string => join(dirname(path), `.${basename(path)}.prepared`)

async function ensureSetup(
  context: Context,
  repository: Repository,
  { request, worktree }: { readonly request: PrepareRequest; readonly worktree: Worktree },
): Promise<string[]> {
  const mark = markOf(worktree.path)
  if (await lstat(mark).catch(() => undefined)) return []
  const { setup, env, signal } = request
  const notices = await copyUntracked(context, repository, { paths: setup.copy, to: worktree.path })
  await runSetup(setup, { cwd: worktree.path, env, signal })
  await writeFile(mark, '') // W3
  return notices
}

const isFolder = async (path: string): Promise<boolean> =>
  (await lstat(path).catch(() => undefined))?.isDirectory() ?? false
