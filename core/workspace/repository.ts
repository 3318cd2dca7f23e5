/** A repository, found and opened: its folders, and git bound to it. */
import { basename, join } from 'node:path'
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
