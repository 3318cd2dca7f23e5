/**
 * What git knows of the worktrees of a repository.
 *
 * R1  One `git worktree` command at a time for each repository: while one adds a record, another fails on the half of it
 *     that it sees.
 * R2  Only `list` reads the repository's own configuration: it names the folders that it finds by the place of the
 *     common folder. It starts no program; the commands that change something do, and get the view.
 */
import { readdirSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { setImmediate } from 'node:timers/promises'
import { dirname, join, resolve } from 'node:path'
import type { Context } from './context.ts'
import { isGitFile, orNothing, readGitFile } from './git-file.ts'
import type { GitOptions } from './git.ts'

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

const READ_BY_GIT = ['gitdir', 'HEAD', 'commondir', 'locked']

/** What is needed of a repository here. */
export interface Administered {
  readonly commonDir: string
  readonly view: string
}

/**
 * Runs `git worktree add` or `remove` with these arguments. // R1 R2
 * The `.git` file of a new worktree names a folder of the view; it has to be written anew.
 */
export async function changeWorktrees(
  context: Context,
  { commonDir, view }: Administered,
  args: readonly string[],
  options?: Pick<GitOptions, 'signal'>,
): Promise<void> {
  // git would make it, but not through the link of the view.
  await mkdir(join(commonDir, 'worktrees'), { recursive: true })
  await assertReadable(commonDir)
  const call = { ...options, cwd: context.dataDir, env: { GIT_DIR: commonDir, GIT_COMMON_DIR: view } }
  await oneAtATime(context, commonDir, () => context.git(['worktree', ...args], call))
}

/** R1 */
const oneAtATime = <T>(context: Context, commonDir: string, work: () => Promise<T>): Promise<T> =>
  context.locks.run(`records of ${commonDir}`, work)

/** All worktrees, the main one first. */
export async function listWorktrees(context: Context, commonDir: string): Promise<WorktreeRecord[]> {
  await assertReadable(commonDir)
  const call = { cwd: context.dataDir, env: { GIT_DIR: commonDir } }
  const list = ['worktree', 'list', '--porcelain', '-z']
  const { text } = await oneAtATime(context, commonDir, () => context.git(list, call)) // R2
  return text.split('\0\0').filter(Boolean).map(toRecord)
}

/** A pipe among them would hold up every task of the repository until the time of the command is over. */
async function assertReadable(commonDir: string): Promise<void> {
  const parent = join(commonDir, 'worktrees')
  const names = orNothing(() => readdirSync(parent)) ?? []
  await forEach(names, (name) => {
    for (const file of READ_BY_GIT) isGitFile(join(parent, name, file))
  })
}

/** Records read between two turns of the event loop: some milliseconds. */
const READ_AT_ONCE = 64

async function forEach<T>(items: readonly T[], read: (item: T) => void): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (index % READ_AT_ONCE === READ_AT_ONCE - 1) await setImmediate()
    read(item)
  }
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

/** Where git keeps HEAD and index of a linked worktree, read in process. */
export interface WorktreeFolder {
  readonly gitDir: string
  /** Of the worktree. */
  readonly path: string
  /** As in `WorktreeRecord`. */
  readonly locked?: string
}

/** Of all linked worktrees that git has a record of. */
export async function worktreeFolders(commonDir: string): Promise<WorktreeFolder[]> {
  const parent = join(commonDir, 'worktrees')
  const names = orNothing(() => readdirSync(parent)) ?? []
  const found: WorktreeFolder[] = []
  await forEach(names, (name) => {
    const folder = readFolder(join(parent, name))
    if (folder) found.push(folder)
  })
  return found
}

function readFolder(gitDir: string): WorktreeFolder | undefined {
  const written = readGitFile(join(gitDir, 'gitdir'))
  if (written === undefined) return undefined
  const locked = readGitFile(join(gitDir, 'locked'))
  // Since git 2.48 the path may be relative to the folder.
  const path = dirname(resolve(gitDir, written.replace(/\n$/, '')))
  return { gitDir, path, ...(locked !== undefined && { locked: locked.trim() }) }
}

/** The folder where git keeps HEAD and index of a linked worktree; undefined when it has no record of it. */
export async function administrativeFolder(commonDir: string, worktreePath: string): Promise<string | undefined> {
  return (await worktreeFolders(commonDir)).find(({ path }) => path === worktreePath)?.gitDir
}

/**
 * Removes the record of a worktree whose folder is gone. Not `prune`: that would take records of the user's own along.
 */
export async function forgetWorktree(context: Context, repository: Administered, path: string): Promise<void> {
  await changeWorktrees(context, repository, ['remove', '--force', '--force', '--', path])
}
