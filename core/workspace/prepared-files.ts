/**
 * The files of a commit, checked out ahead of the task that will need them; not a worktree yet, so git has no record of
 * them and nobody sees them.
 *
 * Owns a folder with `files`, `git` (HEAD and index) and `about.json`.
 * F1  It is complete, or it is in `tmp`, which is emptied when a host starts: it is moved out of there as the last step of
 *     its making and back as the first step of its use, so that two tasks never get the same one.
 * F2  Before it is used, each file is compared with the index by size and times, ctime among them, and anything that is
 *     not in the index is looked for. Where something differs it is thrown away, and the task takes the ordinary way.
 * F3  The index comes last into the worktree: one without it was never finished (W2), and its files are written again.
 */
import { copyFile, mkdir, readdir, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { sleep } from '../base/waiting.ts'
import { filesInForce, shapeOf, sparseFile } from './checkout-shape.ts'
import type { Context } from './context.ts'
import { isGitFile, readGitFile } from './git-file.ts'
import type { Repository } from './repository.ts'
import { bindWorktree, type Worktree } from './worktree.ts'

const about = z.object({
  commonDir: z.string(),
  commit: z.string().regex(/^[0-9a-f]{40,64}$/),
  shape: z.string(),
  shapedBy: z.array(z.string()),
  submodules: z.array(z.string()),
})

/** What is known of prepared files. */
export type About = z.infer<typeof about>

export const CHECKOUT_TIMEOUT_MS = 15 * 60_000
/** Longer than the second in which git does not trust the time of a file. */
const SETTLE_MS = 1100

export interface Making {
  /** Empty, in `tmp`. */
  readonly folder: string
  readonly commit: string
  readonly signal: AbortSignal
}

/** Checks the commit out into the folder, at low priority. @throws TroupeError GIT_FAILED, TIMEOUT, ABORTED */
export async function makeFiles(
  context: Context,
  repository: Repository,
  { folder, commit, signal }: Making,
): Promise<void> {
  const worktree = await emptyWorktree(context, repository, { folder, commit })
  const shapedBy = [...new Set([...context.userFiles, ...(await filesInForce(worktree))])]
  const shape = shapeOf(repository, shapedBy)
  const bounds = { background: true, timeoutMs: CHECKOUT_TIMEOUT_MS, signal }
  await worktree.git(['read-tree', '--reset', '-u', commit], bounds)
  // An index as old as its files makes git compare their contents, each time again; one that is written later does not.
  await sleep(SETTLE_MS, signal)
  await worktree.git(['update-index', '-q', '--refresh', '--force-write-index'], bounds)
  const submodules = await modules(worktree)
  await writeAbout(folder, { commonDir: repository.commonDir, commit, shape, shapedBy, submodules })
}

interface Place {
  readonly folder: string
  readonly commit: string
}

async function emptyWorktree(context: Context, repository: Repository, { folder, commit }: Place): Promise<Worktree> {
  const worktree = bindFiles(context, repository, folder)
  await mkdir(worktree.path)
  await mkdir(join(worktree.gitDir, 'info'), { recursive: true })
  await writeFile(join(worktree.gitDir, 'HEAD'), `${commit}\n`)
  // git takes it along in the same way when it adds a worktree.
  const sparse = readGitFile(sparseFile(repository.commonDir))
  if (sparse !== undefined) await writeFile(sparseFile(worktree.gitDir), sparse)
  return worktree
}

const bindFiles = (context: Context, repository: Repository, folder: string): Worktree =>
  bindWorktree(context, repository, { path: join(folder, 'files'), gitDir: join(folder, 'git') })

async function modules({ git }: Worktree): Promise<string[]> {
  const { text } = await git(['ls-files', '-z', '--stage'], { background: true })
  const entries = text.split('\0').filter((line) => line.startsWith('160000 '))
  return entries.map((line) => line.slice(line.indexOf('\t') + 1))
}

const writeAbout = (folder: string, known: About): Promise<void> =>
  writeFile(join(folder, 'about.json'), JSON.stringify(known))

/** Undefined when it cannot be read as such. */
export function readAbout(folder: string): About | undefined {
  const text = readGitFile(join(folder, 'about.json'), 4 * 1024 * 1024)
  try {
    return text === undefined ? undefined : about.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

export interface Wanted {
  readonly commit: string
  readonly signal: AbortSignal | undefined
}

/**
 * True when the files are those of the commit now, as a fresh checkout would have them. // F2
 * @throws TroupeError GIT_FAILED, TIMEOUT, ABORTED
 */
export async function bringTo(
  context: Context,
  repository: Repository,
  { folder, commit, signal }: Wanted & { readonly folder: string },
): Promise<boolean> {
  const known = readAbout(folder)
  if (known === undefined || known.shape !== shapeOf(repository, known.shapedBy)) return false
  const worktree = bindFiles(context, repository, folder)
  for (const name of ['HEAD', 'index']) isGitFile(join(worktree.gitDir, name))
  const step = { from: known.commit, to: commit }
  const checks = await Promise.all([
    isUntouched(worktree, signal),
    emptyFolders(worktree, known.submodules),
    sameAttributes(repository, step),
  ])
  if (checks.includes(false)) return false
  if (step.from === step.to) return true
  await worktree.git(['read-tree', '-m', '-u', commit], { signal })
  await writeAbout(folder, { ...known, commit })
  return true
}

/** The repository may have made git look at less; here it looks at all. */
const STRICT = ['-c', 'core.trustctime=true', '-c', 'core.checkStat=default', '-c', 'core.ignoreStat=false']

/** Two processes, because the first looks with several threads, and neither of them alone tells all. */
async function isUntouched({ git }: Worktree, signal: AbortSignal | undefined): Promise<boolean> {
  const [changed, others] = await Promise.all([
    // What is in a submodule would be asked of a git that obeys the submodule.
    git([...STRICT, 'diff-files', '--quiet', '--ignore-submodules=all'], { signal, accept: [1] }),
    git([...STRICT, 'ls-files', '-z', '--others'], { signal }),
  ])
  return changed.code === 0 && others.text === ''
}

/** git does not look into the folder of a submodule. */
async function emptyFolders(worktree: Worktree, paths: readonly string[]): Promise<boolean> {
  const contents = await Promise.all(paths.map((path) => readdir(join(worktree.path, path)).catch(() => ['?'])))
  return contents.every((names) => names.length === 0)
}

/** Other attributes can mean other bytes in files that did not change. */
async function sameAttributes({ git }: Repository, { from, to }: { from: string; to: string }): Promise<boolean> {
  if (from === to) return true
  const { text } = await git(['diff-tree', '-r', '-z', '--name-only', '--no-renames', from, to])
  return !/(?:^|[\0/])\.gitattributes\0/.test(`${text}\0`)
}

/**
 * Puts the files in the place of a worktree's folder, which must hold nothing but its `.git` file; that is gone then.
 * False when they cannot go there; the folder then is empty, or as it was but for that file.
 */
export async function installFiles(folder: string, path: string): Promise<boolean> {
  await rm(join(path, '.git'), { force: true })
  try {
    await rmdir(path)
    await rename(join(folder, 'files'), path)
    return true
  } catch {
    await mkdir(path, { recursive: true })
    return false
  }
}

/** F3: the worktree is finished with it. */
export async function installIndex(folder: string, gitDir: string): Promise<void> {
  const from = join(folder, 'git', 'index')
  const to = join(gitDir, 'index')
  await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
    // The repository lies on another disk.
    if (error.code !== 'EXDEV') throw error
    const { mtime } = await stat(from)
    await copyFile(from, `${to}.prepared`)
    await utimes(`${to}.prepared`, mtime, mtime)
    await rename(`${to}.prepared`, to)
  })
}
