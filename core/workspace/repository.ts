/** A repository, found and opened: its folders, and git bound to it. */
import { basename, join } from 'node:path'
import { fail, TroupeError } from '../base/errors.ts'
import { isRefName } from './branch-name.ts'
import type { Context } from './context.ts'
import type { GitOptions, GitOutput } from './git.ts'
import { locateRepository } from './locate.ts'
import { openView } from './repository-view.ts'

export type BoundGit = (args: readonly string[], options?: Omit<GitOptions, 'cwd'>) => Promise<GitOutput>

export interface Repository {
  /** Where its files are: the main folder; a linked worktree when the repository itself is bare. */
  readonly root: string
  /** The git directory that all worktrees share. */
  readonly commonDir: string
  /** Folder of the view, for GIT_COMMON_DIR. */
  readonly view: string
  /** Objects and refs, through the view: the repository's configuration is not read. */
  readonly git: BoundGit
}

/** @throws TroupeError as `locateRepository` does. */
export async function openRepository(context: Context, path: string): Promise<Repository> {
  const { root, commonDir } = await locateRepository(context, path)
  return bindRepository(context, root, commonDir)
}

/** Opens a repository that was located before. */
export async function bindRepository(context: Context, root: string, commonDir: string): Promise<Repository> {
  const view = await openView(context, commonDir)
  // No index: objects and refs only, and no attributes of whatever is checked out.
  const env = { GIT_DIR: commonDir, GIT_COMMON_DIR: view, GIT_INDEX_FILE: join(view, 'no-index') }
  return {
    root,
    commonDir,
    view,
    git: (args, options) => context.git(args, { ...options, cwd: view, env: { ...env, ...options?.env } }),
  }
}

/** The name people know it by: that of its folder, fit for a terminal. */
export const repositoryName = (root: string): string =>
  // Every control character, so that a name can be printed.
  basename(root).replace(/\p{Cc}+/gu, ' ') || 'repository'

/**
 * The commit that a ref names, by its full name, or undefined when there is no such ref. Not `rev-parse`: that takes
 * `main~1` and `x-g1a2b3c` for a commit, and `refs/heads/x` for a tag of this name.
 */
export async function resolveRef(repository: Repository, ref: string): Promise<string | undefined> {
  if (!isRefName(ref)) return undefined
  try {
    return (await repository.git(['show-ref', '--verify', '--hash', ref])).text
  } catch (error) {
    if (error instanceof TroupeError && error.message.endsWith('- not a valid ref')) return undefined
    throw error
  }
}

/** @throws TroupeError REPO_BRANCH_MISSING, with some branches that exist. */
export async function resolveBranch(repository: Repository, branch: string): Promise<string> {
  const commit = await resolveRef(repository, `refs/heads/${branch}`)
  return commit ?? branchMissing(repository, branch)
}

async function branchMissing(repository: Repository, branch: string): Promise<never> {
  const { text } = await repository.git(['for-each-ref', '--count=10', '--format=%(refname:lstrip=2)', 'refs/heads'])
  const branches = text.split('\n').filter((name) => name !== '')
  const hint = branches.length > 0 ? `Its branches: ${branches.join(', ')}.` : 'It has no branch with a commit.'
  fail('REPO_BRANCH_MISSING', `The branch ${branch} does not exist in ${repository.root}. ${hint}`, { branches })
}

/** Moves refs together or not at all; `lines` in the form of `git update-ref --stdin`. */
export async function updateRefs(repository: Repository, reason: string, lines: readonly string[]): Promise<void> {
  await repository.git(['update-ref', '-m', `troupe: ${reason}`, '--stdin'], {
    input: ['start', ...lines, 'prepare', 'commit', ''].join('\n'),
  })
}
