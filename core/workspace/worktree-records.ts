/**
 * What git knows of the worktrees of a repository.
 *
 * R1  One `git worktree` command at a time for each repository: while one adds a record, another fails on the half of it
 *     that it sees.
 * R2  Only these commands read the repository's own configuration, and none of them handles content.
 */
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Context } from './context.ts'
import type { GitOptions, GitOutput } from './git.ts'

export interface WorktreeRecord {
  readonly path: string
  readonly bare: boolean
  /** Full name, as `refs/heads/main`; absent when detached. */
  readonly branch?: string
  /** The reason may be empty. `initializing` is git's own, while it makes the worktree. */
  readonly locked?: string
  /** git says that the folder is gone. */
  readonly prunable: boolean
}

/** Runs `git worktree` with these arguments. // R1 R2 */
export function administerWorktrees(
  context: Context,
  commonDir: string,
  args: readonly string[],
  options?: Pick<GitOptions, 'signal'>,
): Promise<GitOutput> {
  const call = { ...options, cwd: context.dataDir, env: { GIT_DIR: commonDir } }
  return context.locks.run(`records of ${commonDir}`, () => context.git(['worktree', ...args], call))
}

/** All worktrees, the main one first. */
export async function listWorktrees(context: Context, commonDir: string): Promise<WorktreeRecord[]> {
  const { text } = await administerWorktrees(context, commonDir, ['list', '--porcelain', '-z'])
  return text.split('\0\0').filter(Boolean).map(toRecord)
}

function toRecord(block: string): WorktreeRecord {
  const fields = new Map(
    block
      .split('\0')
      .filter(Boolean)
      .map((line) => {
        const end = line.indexOf(' ')
        return end < 0 ? ([line, ''] as const) : ([line.slice(0, end), line.slice(end + 1)] as const)
      }),
  )
  const branch = fields.get('branch')
  const locked = fields.get('locked')
  return {
    path: fields.get('worktree') ?? '',
    bare: fields.has('bare'),
    ...(branch !== undefined && { branch }),
    ...(locked !== undefined && { locked }),
    prunable: fields.has('prunable'),
  }
}

/** The folder where git keeps HEAD and index of a linked worktree; undefined when it has no record of it. */
export async function administrativeFolder(commonDir: string, worktreePath: string): Promise<string | undefined> {
  const parent = join(commonDir, 'worktrees')
  const names = await readdir(parent).catch(() => [])
  for (const name of names) {
    const folder = join(parent, name)
    const written = await readFile(join(folder, 'gitdir'), 'utf8').catch(() => undefined)
    if (written === undefined) continue
    // Since git 2.48 the path may be relative to the folder.
    if (dirname(resolve(folder, written.replace(/\n$/, ''))) === worktreePath) return folder
  }
  return undefined
}

/**
 * Removes the record of a worktree whose folder is gone. Not `prune`: that would take records of the user's own along.
 */
export async function forgetWorktree(context: Context, commonDir: string, path: string): Promise<void> {
  await administerWorktrees(context, commonDir, ['remove', '--force', '--force', '--', path])
}
