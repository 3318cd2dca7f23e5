/**
 * Prepared files of the repositories that were used last, so that a task of a large one begins at once.
 *
 * Owns the folder `prepared` of the data directory: a folder a repository, with one or more of prepared-files.ts in it.
 * Nothing depends on it: whatever goes wrong here costs the task the time of an ordinary checkout, and no more.
 */
import { randomUUID } from 'node:crypto'
import { lstat, mkdir, readdir, rename, rm, rmdir, stat, statfs } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { sleep } from '../base/waiting.ts'
import { temporaryFolder, type Context } from './context.ts'
import { indexSize } from './index-file.ts'
import { locateRepository } from './locate.ts'
import { bringTo, makeFiles, readAbout, type About, type Wanted } from './prepared-files.ts'
import { resolveRef } from './refs.ts'
import { openRepository, type Repository } from './repository.ts'

export interface PoolOptions {
  /** Prepared worktrees of each repository; 0 is none. Asked anew each time. */
  readonly size: () => number
  /** How long a task that has just begun has the machine for itself. Default 3 s. */
  readonly delayMs?: number
  /** Smaller repositories are written as fast as they are looked after. Default 1,000. */
  readonly minFiles?: number
}

const DELAY_MS = 3000
const MIN_FILES = 1000
/** Others lose theirs. */
const MAX_REPOSITORIES = 4
/** The rest of a disk is not for what may never be used. */
const MIN_FREE_BYTES = 2 * 1024 ** 3

const poolsFolder = (context: Context): string => join(context.dataDir, 'prepared')
const poolOf = (context: Context, { view }: Repository): string => join(poolsFolder(context), basename(view))
const newFolder = (context: Context, name: string): string => join(temporaryFolder(context), `${name}-${randomUUID()}`)

export interface Claim extends AsyncDisposable {
  /** A folder with prepared files of the commit; undefined when there are none. Never rejects. */
  readonly folder: Promise<string | undefined>
}

/** Takes prepared files out of the pool and looks at them. Dispose it when they are installed, or not wanted. */
export function claimFiles(context: Context, repository: Repository, wanted: Wanted): Claim {
  const folder = take(context, repository, wanted).catch((error: unknown) => {
    context.logger.info({ err: error }, 'prepared files could not be used')
    return undefined
  })
  return {
    folder,
    async [Symbol.asyncDispose]() {
      const taken = await folder
      if (taken !== undefined) await giveBack(context, repository, taken)
    },
  }
}

async function take(context: Context, repository: Repository, wanted: Wanted): Promise<string | undefined> {
  if ((context.pool?.size() ?? 0) === 0) return undefined
  const pool = poolOf(context, repository)
  for (const name of await namesIn(pool)) {
    const folder = newFolder(context, 'claimed')
    // F1: of two that want it, one renames it.
    if (!(await moved(join(pool, name), folder))) continue
    const usable = await bringTo(context, repository, { ...wanted, folder }).catch((error: unknown) => {
      context.logger.info({ err: error }, 'prepared files could not be brought to a commit')
      return false
    })
    if (usable) return folder
    await context.trash.discard(folder)
  }
  return undefined
}

const moved = (from: string, to: string): Promise<boolean> =>
  rename(from, to).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )

/** The task did not come to use the files: its branch is taken, say. Without its files a folder is small. */
async function giveBack(context: Context, repository: Repository, folder: string): Promise<void> {
  if (await isGone(join(folder, 'files'))) await rm(folder, { recursive: true, force: true })
  else await rename(folder, join(poolOf(context, repository), basename(folder)))
}

export interface Refill {
  readonly repositoryPath: string
  readonly baseBranch: string
}

/** Prepares in the background what the pool of the repository lacks. */
export function refillPool(context: Context, request: Refill): void {
  const { pool } = context
  if (!pool || pool.size() === 0) return
  context.background.run(`preparing a worktree of ${request.repositoryPath}`, async (signal) => {
    await sleep(pool.delayMs ?? DELAY_MS, signal)
    const repository = await openRepository(context, request.repositoryPath)
    if ((await indexSize(join(repository.commonDir, 'index'))) < (pool.minFiles ?? MIN_FILES)) return
    const commit = await resolveRef(repository, `refs/heads/${request.baseBranch}`)
    if (commit !== undefined) await fill(context, repository, { commit, signal })
    await evict(context)
  })
}

async function fill(
  context: Context,
  repository: Repository,
  wanted: { readonly commit: string; readonly signal: AbortSignal },
): Promise<void> {
  const pool = poolOf(context, repository)
  await mkdir(pool, { recursive: true, mode: 0o700 })
  while ((await namesIn(pool)).length < (context.pool?.size() ?? 0)) {
    const { bavail, bsize } = await statfs(pool)
    if (bavail * bsize < MIN_FREE_BYTES) return
    const folder = newFolder(context, 'preparing')
    await mkdir(folder, { mode: 0o700 })
    try {
      await makeFiles(context, repository, { ...wanted, folder })
      await rename(folder, join(pool, basename(folder))) // F1
    } catch (error) {
      await context.trash.discard(folder)
      throw error
    }
  }
}

/** By the time when something was last put in or taken out. */
async function evict(context: Context): Promise<void> {
  const pools = await Promise.all(
    (await namesIn(poolsFolder(context))).map(async (name) => {
      const path = join(poolsFolder(context), name)
      return { path, usedAt: (await stat(path)).mtimeMs }
    }),
  )
  const oldest = pools.toSorted((one, other) => other.usedAt - one.usedAt).slice(MAX_REPOSITORIES)
  for (const { path } of oldest) await context.trash.discard(path)
}

/** Throws away what belongs to a repository that nobody uses any more. Never rejects. */
export async function forgetPool(context: Context, repositoryPath: string): Promise<void> {
  const location = await locateRepository(context, repositoryPath).catch(() => undefined)
  await sweepPools(context, (about) => about.commonDir !== location?.commonDir).catch((error: unknown) =>
    context.logger.warn({ err: error, repositoryPath }, 'what was prepared for a repository could not be thrown away'),
  )
}

/** Throws away what `keep` does not want, what cannot be read, and what belongs to a repository that is gone. */
export async function sweepPools(context: Context, keep: (about: About) => boolean): Promise<void> {
  for (const pool of await namesIn(poolsFolder(context))) {
    const path = join(poolsFolder(context), pool)
    for (const name of await namesIn(path)) {
      const about = readAbout(join(path, name))
      if (about && keep(about) && !(await isGone(about.commonDir))) continue
      await context.trash.discard(join(path, name))
    }
    await rmdir(path).catch(() => {}) // Not empty: it is kept.
  }
}

const namesIn = (folder: string): Promise<string[]> => readdir(folder).catch(() => [])

/** Only when the disk says so. */
const isGone = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )
