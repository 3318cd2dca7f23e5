/**
 * The folder of a task's worktree, and git's record of it.
 *
 * W2  A folder without an index was never finished, so no agent has seen it: its files may be written again.
 * W4  What holds content and is not known to git is moved aside, never deleted.
 */
import { createHash } from 'node:crypto'
import { mkdir, realpath, rename, rm, rmdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { faultPoint } from '../base/fault-point.ts'
import { addWorktree } from './add-worktree.ts'
import type { Context } from './context.ts'
import { entryAt, readGitFile } from './git-file.ts'
import { isInside } from './inside.ts'
import { CHECKOUT_TIMEOUT_MS, installFiles, installIndex } from './prepared-files.ts'
import { repositoryName, type Repository } from './repository.ts'
import { forgetWorktree, worktreeFolders } from './worktree-records.ts'
import type { Claim } from './worktree-pool.ts'
import { bindWorktree, type Worktree } from './worktree.ts'

/** What there is of a task's worktree; usable when git has a whole record of it, and the folder is there. */
export type Found = { readonly path: string } & (
  | { readonly usable: true; readonly gitDir: string }
  /** `halfAdded`: git was killed while it added the worktree. */
  | { readonly usable: false; readonly recorded: boolean; readonly halfAdded: boolean }
)

type Unusable = Extract<Found, { readonly usable: false }>

/** Looks for the worktree of this repository in the folder of the task; where there is none, its path is free. */
export async function findWorktree(repository: Repository, folder: string): Promise<Found> {
  const record = (await worktreeFolders(repository.commonDir)).find(({ path }) => dirname(path) === folder)
  if (!record) return { path: await freePath(repository, folder), usable: false, recorded: false, halfAdded: false }
  const { path, gitDir, locked } = record
  const halfAdded = locked === 'initializing'
  if (!halfAdded && entryAt(path)?.isDirectory()) return { path, usable: true, gitDir }
  return { path, usable: false, recorded: true, halfAdded }
}

/** Two repositories of one task may have the same name. */
async function freePath(repository: Repository, folder: string): Promise<string> {
  const path = join(folder, safeName(repository.root))
  const gitFile = readGitFile(join(path, '.git'))
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

export interface WorktreeRequest {
  readonly found: Found
  readonly branchName: string
  /** Files for a new worktree, of the commit that the branch is at. */
  readonly claim: Claim | undefined
  readonly signal: AbortSignal | undefined
}

/** Gives the worktree with its files, made where it was not usable. @throws TroupeError GIT_FAILED, TIMEOUT, ABORTED */
export async function ensureWorktree(
  context: Context,
  repository: Repository,
  { found, branchName, claim, signal }: WorktreeRequest,
): Promise<Worktree> {
  const { path } = found
  const gitDir = found.usable ? found.gitDir : await addAnew(context, repository, { found, branchName, signal })
  faultPoint('workspace.worktree-added')
  const prepared = found.usable ? undefined : await claim?.folder
  const installed = prepared !== undefined && (await installFiles(prepared, path))
  faultPoint('workspace.files-claimed')
  await writeGitFile(context, path, gitDir)
  if (installed) await installIndex(prepared, gitDir)
  const worktree = bindWorktree(context, repository, { path, gitDir })
  await ensureFiles(worktree, signal)
  faultPoint('workspace.files-written')
  return worktree
}

type Anew = Pick<WorktreeRequest, 'branchName' | 'signal'> & { readonly found: Unusable }

async function addAnew(context: Context, repository: Repository, { found, branchName, signal }: Anew): Promise<string> {
  const { path } = found
  await clearTheWay(context, repository, found)
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const gitDir = await addWorktree(context, repository, { path, branchName, signal })
  await writeGitFile(context, path, gitDir)
  return gitDir
}

/** An agent can break its `.git` file, and a moved repository makes it stale. */
async function writeGitFile(context: Context, path: string, gitDir: string): Promise<void> {
  const file = join(path, '.git')
  const content = `gitdir: ${gitDir}\n`
  const state = entryAt(file)
  if (state?.isFile() && readGitFile(file) === content) return
  if (state?.isFile() || state?.isSymbolicLink()) await rm(file)
  // A repository that the agent made in its place; not inside, where it would be taken for work. // W4
  else if (state) await rename(file, `${path}.git-aside-${context.clock.now()}`)
  await writeFile(file, content, { flag: 'wx' })
}

async function ensureFiles(worktree: Worktree, signal: AbortSignal | undefined): Promise<void> {
  if (entryAt(join(worktree.gitDir, 'index'))) return
  const finished = entryAt(markOf(worktree.path))
  // An index that went missing later must not cost work: only the index is made again. // W2
  const mode = finished ? [] : ['--reset', '-u']
  await worktree.git(['read-tree', ...mode, 'HEAD'], { signal, timeoutMs: CHECKOUT_TIMEOUT_MS })
}

/** Takes away a record without a folder, a folder that is empty, and what a crashed `worktree add` left. // W4 */
async function clearTheWay(
  context: Context,
  repository: Repository,
  { path, recorded, halfAdded }: Unusable,
): Promise<void> {
  await rm(markOf(path), { force: true })
  if (halfAdded) await rm(join(path, '.git'), { force: true })
  const emptied = await rmdir(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )
  if (!emptied) {
    const aside = `${path}.aside-${context.clock.now()}`
    await rename(path, aside)
    context.logger.warn({ path, aside }, 'git did not know a folder of this task; it was moved aside')
  }
  if (recorded) await forgetWorktree(context, repository, path)
}

/** Lies beside the worktree, out of the sight of `git status`. */
export const markOf = (path: string): string => join(dirname(path), `.${basename(path)}.prepared`)
