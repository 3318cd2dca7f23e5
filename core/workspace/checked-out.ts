/** Folders in which a branch is checked out, and how they follow when the branch moves under them. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '../base/errors.ts'
import type { Context } from './context.ts'
import { filteredFiles } from './filters.ts'
import type { Repository } from './repository.ts'
import { listWorktrees } from './worktree-records.ts'
import { openWorktree } from './worktree.ts'
import type { Place } from './work.ts'

/** Every folder, the user's own among them, that has the branch checked out. */
export async function foldersOn(context: Context, repository: Repository, branch: string): Promise<Place[]> {
  const records = await listWorktrees(context, repository.commonDir)
  const here = records.filter((record) => record.branch === `refs/heads/${branch}` && !record.bare && !record.prunable)
  return Promise.all(
    here.map(async ({ path }) => ({ repository, worktree: await openWorktree(context, repository, path) })),
  )
}

export interface Step {
  readonly from: string
  readonly to: string
}

/** @throws TroupeError MERGE_BLOCKED with `details.files` and `details.folder` when a folder has something in the way. */
export async function assertFollows(context: Context, places: readonly Place[], step: Step): Promise<void> {
  for (const place of places) {
    const files = await inTheWay(context, place, step)
    if (files.length > 0) blocked(place, files, `would overwrite ${files.slice(0, 5).join(', ')}`)
    const { code, stderr } = await readTrees(place, step, ['--dry-run'])
    if (code !== 0) blocked(place, [], `is refused by git: ${stderr.trim()}`)
  }
}

function blocked({ worktree }: Place, files: readonly string[], why: string): never {
  fail(
    'MERGE_BLOCKED',
    `The base branch is checked out in ${worktree.path}, and the merge ${why}. ` +
      'Nothing was changed. Commit, stash or move these files there, then merge again.',
    { files, folder: worktree.path },
  )
}

const readTrees = ({ worktree }: Place, { from, to }: Step, options: readonly string[]) =>
  worktree.git(['read-tree', '-m', '-u', ...options, from, to], { accept: [1, 128], timeoutMs: 10 * 60_000 })

/** Files that the step changes and that are not as the old commit has them; ignored ones too, which git would overwrite. */
async function inTheWay(context: Context, place: Place, { from, to }: Step): Promise<string[]> {
  const { worktree } = place
  const changed = await changedPaths(place, { from, to })
  await worktree.git(['update-index', '-q', '--refresh'], { accept: [1] })
  const [differing, tracked] = await Promise.all([
    names(place, ['diff-index', '--name-only', '-z', '--ignore-submodules=dirty', '--no-ext-diff', from, '--']),
    names(place, ['ls-files', '-z']),
  ])
  const filtered = await filteredFiles(context, place, changed)
  const dirty = new Set([...differing, ...filtered])
  const known = new Set(tracked)
  const files: string[] = []
  for (const path of changed) {
    if (dirty.has(path) || (!known.has(path) && (await isThere(worktree.path, path, known)))) files.push(path)
  }
  return files
}

/** A tracked folder in the place of a file is git's own business; anything else there would be lost. */
async function isThere(root: string, path: string, tracked: ReadonlySet<string>): Promise<boolean> {
  const found = await lstat(join(root, path)).catch(() => undefined)
  if (!found) return false
  if (!found.isDirectory()) return true
  const below = `${path}/`
  return ![...tracked].some((file) => file.startsWith(below))
}

const changedPaths = (place: Place, { from, to }: Step): Promise<string[]> =>
  names(place, ['diff-tree', '-r', '-z', '--name-only', '--no-renames', from, to])

async function names({ worktree }: Place, args: readonly string[]): Promise<string[]> {
  return (await worktree.git(args)).text.split('\0').filter((name) => name !== '')
}

/**
 * Brings folders along after the branch has moved; gives those that stayed behind. A folder is touched only if its index
 * still has all changed files as the old commit has them, so doing it twice, or late, is safe.
 */
export async function follow(context: Context, places: readonly Place[], step: Step): Promise<string[]> {
  const left: string[] = []
  for (const place of places) {
    if (!(await isBehind(place, step))) continue
    const { code, stderr } = await readTrees(place, step, [])
    if (code === 0) continue
    context.logger.warn({ folder: place.worktree.path, words: stderr }, 'a folder could not follow its branch')
    left.push(place.worktree.path)
  }
  return left
}

async function isBehind(place: Place, step: Step): Promise<boolean> {
  const [changed, stale] = await Promise.all([
    changedPaths(place, step),
    names(place, ['diff-index', '--cached', '--name-only', '-z', '--no-renames', step.to, '--']),
  ])
  const differing = new Set(stale)
  return changed.length > 0 && changed.every((path) => differing.has(path))
}
