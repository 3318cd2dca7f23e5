/** A folder with files of a repository, and git bound to it. */
import { realpathSync } from 'node:fs'
import { join } from 'node:path'
import { fail } from '../base/errors.ts'
import { isBranchName } from './branch-name.ts'
import type { Context } from './context.ts'
import { entryAt, orNothing, readGitFile } from './git-file.ts'
import { isCommit, resolveRef } from './refs.ts'
import type { BoundGit, Repository } from './repository.ts'
import { administrativeFolder } from './worktree-records.ts'

export interface Worktree {
  readonly path: string
  /** Where its HEAD and index are. */
  readonly gitDir: string
  /** Through the view; the `.git` file of the folder, which an agent may rewrite, is not read. */
  readonly git: BoundGit
}

/**
 * The main folder of a repository, or one of its linked worktrees.
 * @throws TroupeError WORKTREE_MISSING when the folder is gone or git has no record of it.
 */
export async function openWorktree(context: Context, repository: Repository, path: string): Promise<Worktree> {
  const real = orNothing(() => realpathSync.native(path))
  if (real === undefined) fail('WORKTREE_MISSING', `The worktree ${path} is gone from the disk. Start the task again.`)
  const linked = await administrativeFolder(repository.commonDir, real)
  const gitDir = linked ?? (real === repository.root ? repository.commonDir : undefined)
  if (gitDir === undefined) {
    fail('WORKTREE_MISSING', `${path} is not a worktree of ${repository.root}. Start the task again.`)
  }
  return bindWorktree(context, repository, { path: real, gitDir })
}

/** Binds git to a folder; `gitDir` must be that folder's own. */
export function bindWorktree(
  context: Context,
  repository: Repository,
  { path, gitDir }: { readonly path: string; readonly gitDir: string },
): Worktree {
  const env = { GIT_DIR: gitDir, GIT_COMMON_DIR: repository.view, GIT_WORK_TREE: path }
  return {
    path,
    gitDir,
    git: (args, options) => context.git(args, { ...options, cwd: path, env: { ...env, ...options?.env } }),
  }
}

type Head = { readonly branch: string } | { readonly commit: string }

/** Read in process where it is a plain file; else undefined, and git has its say. */
export function readHead({ gitDir }: Pick<Worktree, 'gitDir'>): Head | undefined {
  const path = join(gitDir, 'HEAD')
  // A link would be a name too, and reading it gives a commit.
  if (!entryAt(path)?.isFile()) return undefined
  const text = readGitFile(path)?.trimEnd() ?? ''
  const branch = /^ref: refs\/heads\/(.+)$/.exec(text)?.[1]
  // Where refs are not files (reftable), it names a branch that cannot be.
  if (branch !== undefined && isBranchName(branch)) return { branch }
  return isCommit(text) ? { commit: text } : undefined
}

/** The branch that HEAD of the folder names, without `refs/heads/`; undefined when it is detached. */
export async function currentBranch(worktree: Worktree): Promise<string | undefined> {
  const head = readHead(worktree)
  if (head) return 'branch' in head ? head.branch : undefined
  const { code, text } = await worktree.git(['symbolic-ref', '--quiet', 'HEAD'], { accept: [1] })
  return code === 0 && text.startsWith('refs/heads/') ? text.slice('refs/heads/'.length) : undefined
}

/** The commit of HEAD; undefined on a branch without one. */
export async function headCommit(repository: Repository, worktree: Worktree): Promise<string | undefined> {
  const head = readHead(worktree)
  if (head) return 'commit' in head ? head.commit : resolveRef(repository, `refs/heads/${head.branch}`)
  const { code, text } = await worktree.git(['rev-parse', '--verify', '--quiet', 'HEAD^{commit}'], { accept: [1] })
  return code === 0 ? text : undefined
}
