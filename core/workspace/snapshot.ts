/**
 * What the folder of a worktree holds right now, as a git tree: committed, staged, unstaged and untracked files.
 *
 * Owns a temporary folder with a copy of the index; the index that the agent or the user works with is only read.
 * N1  No `git add`, no `git status`: for a nested repository both start a git that obeys *its* configuration and so
 *     runs its programs. `ls-files` and `update-index` do not.
 * N2  The files of an untracked nested repository are taken as files. git would record only the number of a commit
 *     that lives in that folder, and it would be lost with it.
 * N3  With `objects: 'temporary'` nothing is written to the repository: new objects lie beside the index copy and
 *     vanish with it, so that a diff that is asked for every few seconds does not fill the object store.
 */
import { lstat, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { temporaryFolder, type Context } from './context.ts'
import { copyIndexFile } from './index-file.ts'
import type { Repository } from './repository.ts'
import type { Worktree } from './worktree.ts'

export interface Snapshot extends AsyncDisposable {
  readonly tree: string
  /** The temporary index that matches `tree`. */
  readonly index: string
  /** Needed by git to see the objects of `tree`. */
  readonly objectsEnv: Readonly<Record<string, string>>
  /** A merge was left with conflicts. */
  readonly unmerged: boolean
}

export interface SnapshotOptions {
  readonly objects: 'temporary' | 'repository'
  /** Take the files of submodules as files too, because the folder is about to be deleted. */
  readonly submodules?: 'files'
  readonly signal?: AbortSignal | undefined
}

const MAX_NESTING = 8

/** An entry marked as outside of a sparse checkout counts by its file where there is one, and stays where there is none. */
const SPARSE = ['-c', 'core.sparseCheckout=true', '-c', 'sparse.expectFilesOutsideOfPatterns=false']

/** Dispose it when its tree is no longer needed. */
export async function takeSnapshot(
  context: Context,
  { repository, worktree }: { readonly repository: Repository; readonly worktree: Worktree },
  options: SnapshotOptions,
): Promise<Snapshot> {
  await mkdir(temporaryFolder(context), { recursive: true, mode: 0o700 })
  const folder = await mkdtemp(join(temporaryFolder(context), 'snapshot-'))
  const dispose = () => rm(folder, { recursive: true, force: true })
  try {
    const index = join(folder, 'index')
    const objectsEnv = options.objects === 'temporary' ? await ownObjects(folder, repository) : {}
    const env = { GIT_INDEX_FILE: index, ...objectsEnv }
    await copyIndex(worktree, index, env)
    const changes = await listChanges(worktree, { env, emptyIndex: join(folder, 'empty'), options })
    await apply(worktree, env, changes)
    const { text: tree } = await worktree.git(['write-tree'], { env, signal: options.signal })
    return { tree, index, objectsEnv, unmerged: changes.unmerged, [Symbol.asyncDispose]: dispose }
  } catch (error) {
    await dispose()
    throw error
  }
}

/** N3 */
async function ownObjects(folder: string, repository: Repository): Promise<Record<string, string>> {
  const objects = join(folder, 'objects')
  await mkdir(objects)
  const shared = join(repository.view, 'objects')
  // The list is separated by colons; in quotes a path may hold one.
  const quoted = `"${shared.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n')}"`
  return { GIT_OBJECT_DIRECTORY: objects, GIT_ALTERNATE_OBJECT_DIRECTORIES: quoted }
}

async function copyIndex(worktree: Worktree, index: string, env: Record<string, string>): Promise<void> {
  try {
    await copyIndexFile(join(worktree.gitDir, 'index'), index)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
    await worktree.git(['read-tree', 'HEAD'], { env })
  }
}

interface Changes {
  readonly removed: readonly string[]
  readonly written: readonly string[]
  readonly unmerged: boolean
  /** Some are marked `--assume-unchanged`, and git would take them at their word. */
  readonly assumed: boolean
}

interface Listing {
  readonly env: Record<string, string>
  /** A file that does not exist: an index without entries. */
  readonly emptyIndex: string
  readonly options: SnapshotOptions
}

async function listChanges(worktree: Worktree, listing: Listing): Promise<Changes> {
  const { env, options } = listing
  const removed = new Set<string>()
  const written = new Set<string>()
  let unmerged = false
  let assumed = false
  const list = [
    ...SPARSE,
    'ls-files',
    '-z',
    '-v',
    '--stage',
    '--deleted',
    '--modified',
    '--others',
    '--exclude-standard',
  ]
  const { text } = await worktree.git(list, { env, signal: options.signal })
  for (const line of text.split('\0').filter((entry) => entry !== '')) {
    const entry = toEntry(line)
    unmerged ||= entry.stage > 0
    assumed ||= entry.assumed
    if (entry.tag === '?') await collect(worktree, entry.path, { listing, into: written })
    else if (entry.tag === 'R' || (await becameFolder(worktree, entry))) removed.add(entry.path)
    else written.add(entry.path)
  }
  if (options.submodules === 'files') await unfold(worktree, { listing, removed, written })
  // A file deleted from disk is listed as modified too.
  return { removed: [...removed], written: [...written].filter((path) => !removed.has(path)), unmerged, assumed }
}

interface Entry {
  /** `?` untracked, `R` deleted, `C` modified. */
  readonly tag: string
  readonly assumed: boolean
  readonly mode: string
  readonly stage: number
  readonly path: string
}

function toEntry(line: string): Entry {
  if (line.startsWith('? ')) return { tag: '?', assumed: false, mode: '', stage: 0, path: line.slice(2) }
  const end = line.indexOf('\t')
  const [tag = '', mode = '', , stage = '0'] = line.slice(0, end).split(' ')
  // With `-v` a small letter is such a mark.
  const assumed = /[a-z]/.test(tag)
  return { tag: tag.toUpperCase(), assumed, mode, stage: Number(stage), path: line.slice(end + 1) }
}

/** A folder took the place of a file; the files in it are listed by themselves. */
async function becameFolder(worktree: Worktree, { mode, path }: Pick<Entry, 'mode' | 'path'>): Promise<boolean> {
  if (mode === '160000') return false
  return (await lstat(join(worktree.path, path)).catch(() => undefined))?.isDirectory() ?? false
}

interface Collection {
  readonly listing: Listing
  readonly into: Set<string>
  readonly depth?: number
}

/** A path that ends in a slash is a repository of its own. // N2 */
async function collect(worktree: Worktree, path: string, { listing, into, depth = 0 }: Collection): Promise<void> {
  if (!path.endsWith('/')) {
    into.add(path)
    return
  }
  if (depth >= MAX_NESTING) return
  const env = { GIT_INDEX_FILE: listing.emptyIndex, GIT_WORK_TREE: join(worktree.path, path) }
  const { text } = await worktree.git(
    ['-C', join(worktree.path, path), 'ls-files', '-z', '--others', '--exclude-standard'],
    {
      env,
      signal: listing.options.signal,
    },
  )
  for (const name of text.split('\0').filter((entry) => entry !== '')) {
    await collect(worktree, path + name, { listing, into, depth: depth + 1 })
  }
}

interface Unfolding {
  readonly listing: Listing
  readonly removed: Set<string>
  readonly written: Set<string>
}

async function unfold(worktree: Worktree, { listing, removed, written }: Unfolding): Promise<void> {
  const { text } = await worktree.git(['ls-files', '-z', '--stage'], { env: listing.env })
  const submodules = text
    .split('\0')
    .filter((line) => line.startsWith('160000 '))
    .map((line) => line.slice(line.indexOf('\t') + 1))
  for (const path of submodules) {
    const files = new Set<string>()
    if (await becameFolder(worktree, { mode: '', path })) {
      await collect(worktree, `${path}/`, { listing, into: files })
    }
    if (files.size === 0) continue
    removed.add(path)
    for (const file of files) written.add(file)
  }
}

async function apply(worktree: Worktree, env: Record<string, string>, changes: Changes): Promise<void> {
  const { removed, written, assumed } = changes
  if (removed.length > 0) {
    await worktree.git(['update-index', '--force-remove', '-z', '--stdin'], { env, input: terminated(removed) })
  }
  if (written.length > 0) {
    // `--remove`: the agent may be at work, and a file that was listed may be gone by now.
    const how = ['--add', '--remove', '--replace', '--ignore-skip-worktree-entries']
    const unmark = assumed ? ['-q', '--unmerged', '--really-refresh'] : []
    await worktree.git([...SPARSE, 'update-index', ...unmark, ...how, '-z', '--stdin'], {
      env,
      input: terminated(written),
    })
  }
}

const terminated = (paths: readonly string[]): string => paths.map((path) => `${path}\0`).join('')
