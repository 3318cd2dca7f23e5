/** What every part of the workspace folder works with, and where things lie in the data directory. */
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { fail } from '../base/errors.ts'
import type { Background } from './background.ts'
import type { Git } from './git.ts'
import type { KeyedLock } from './keyed-lock.ts'
import type { ReadSettings } from './settings-file.ts'
import type { Trash } from './trash.ts'
import type { PoolOptions } from './worktree-pool.ts'

export interface Context {
  /** Absolute, with no symbolic link in it. */
  readonly dataDir: string
  readonly clock: Clock
  readonly logger: Logger
  readonly git: Git
  readonly locks: KeyedLock
  readonly readSettings: ReadSettings
  /** What the configuration of git may stand in beside that of the repository. */
  readonly userFiles: readonly string[]
  /** Undefined in a host that begins no tasks. */
  readonly pool: PoolOptions | undefined
  readonly background: Background
  readonly trash: Trash
}

export const worktreesFolder = (context: Context): string => join(context.dataDir, 'worktrees')

/** The folder of a task; it holds its worktrees, one a repository, and beside each the mark that it was set up. */
export function taskFolder(context: Context, taskId: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(taskId)) fail('INVALID_PARAMS', 'The id of the task is not an id.')
  return join(worktreesFolder(context), taskId)
}

export const viewsFolder = (context: Context): string => join(context.dataDir, 'git')
export const temporaryFolder = (context: Context): string => join(context.dataDir, 'tmp')

/** Remembers where the task began, and that its branch is ours. */
export const baseRef = (taskId: string): string => `refs/troupe/base/${taskId}`
/** The commit that brought the task into its base branch; set in the same transaction as that branch. */
export const mergedRef = (taskId: string): string => `refs/troupe/merged/${taskId}`
/** Where the base branch was before that; moves with it. */
export const mergedFromRef = (taskId: string): string => `refs/troupe/merged-from/${taskId}`
/** What we pushed last; nothing else on a remote may be replaced. */
export const pushedRef = (taskId: string): string => `refs/troupe/pushed/${taskId}`
