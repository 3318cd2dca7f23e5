/** The git side of Troupe: repositories, and a worktree for each task. The one entrance to this folder. */
import { mkdir, realpath } from 'node:fs/promises'
import { systemClock, type Clock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import { silentLogger, type Logger } from '../base/logger.ts'
import type { TaskDiff } from '../contract/records.ts'
import { makeBackground } from './background.ts'
import { userFiles } from './checkout-shape.ts'
import { commitWorkspace, type CommitRequest } from './commit.ts'
import { temporaryFolder, type Context } from './context.ts'
import { diffWorkspace, type DiffRequest } from './diff.ts'
import { makeFileLists, type FileList, type ListFilesRequest } from './file-list.ts'
import { readFileOf, type ReadFileRequest } from './file-content.ts'
import { makeGit } from './git.ts'
import { inspectRepository, type InspectedRepository } from './inspect.ts'
import { makeKeyedLock } from './keyed-lock.ts'
import { mergeWorkspace, type Merged, type MergeRequest } from './merge.ts'
import { prepareWorkspace, type PreparedWorkspace, type PrepareRequest } from './prepare.ts'
import { pushBranch, type PushRequest } from './push.ts'
import { reconcileWorkspaces, type KnownWorkspace, type Reconciliation } from './reconcile.ts'
import { resolveRef } from './refs.ts'
import { openRepository } from './repository.ts'
import { removeWorkspace, type Removed, type RemoveRequest } from './remove.ts'
import { makeTrash } from './trash.ts'
import { forgetPool, refillPool, sweepPools, type PoolOptions, type Refill } from './worktree-pool.ts'

export interface WorkspaceOptions {
  /** Absolute; created if missing. Worktrees lie below it, so never in the system's temporary folder. */
  readonly dataDir: string
  readonly clock?: Clock
  readonly logger?: Logger
  /** The environment that git gets its few variables from; default: that of the process. */
  readonly env?: Readonly<NodeJS.ProcessEnv>
  /** Default: files are neither prepared nor claimed, and those that are there stay. */
  readonly pool?: PoolOptions | undefined
}

/** Each function documents its errors where it is defined. */
export interface Workspaces extends AsyncDisposable {
  inspectRepository(path: string, options?: { readonly branch?: string | undefined }): Promise<InspectedRepository>
  prepareWorkspace(request: PrepareRequest): Promise<PreparedWorkspace>
  diffWorkspace(request: DiffRequest): Promise<TaskDiff>
  commitWorkspace(request: CommitRequest): Promise<{ commit: string }>
  mergeWorkspace(request: MergeRequest): Promise<Merged>
  pushBranch(request: PushRequest): Promise<{ commit: string }>
  removeWorkspace(request: RemoveRequest): Promise<Removed>
  reconcileWorkspaces(request: { readonly known: readonly KnownWorkspace[] }): Promise<Reconciliation>
  /** The commit of a branch, if there is one. */
  branchTip(request: { readonly repositoryPath: string; readonly branchName: string }): Promise<string | undefined>
  listFiles(request: ListFilesRequest): Promise<FileList>
  readFile(request: ReadFileRequest): Promise<Uint8Array>
  /** Prepares files for the next task of the repository, in the background. */
  keepReady(request: Refill): void
  /** Throws away what was prepared for it. */
  forgetRepository(path: string): Promise<void>
}

/** One per host. Dispose it last of all that uses it. @throws TroupeError DATA_DIR_UNUSABLE */
export async function openWorkspaces(options: WorkspaceOptions): Promise<Workspaces> {
  const { clock = systemClock, logger = silentLogger, env = process.env, pool } = options
  const dataDir = await usableFolder(options.dataDir)
  const [background, deleting] = [makeBackground(logger), makeBackground(logger)]
  const context: Context = {
    dataDir,
    clock,
    logger,
    git: makeGit(env),
    locks: makeKeyedLock(),
    readSettings: new Map(),
    userFiles: userFiles(env),
    pool,
    background,
    trash: makeTrash({ dataDir, background: deleting, env }),
  }
  await clearTemporary(context).catch((error: unknown) => unusable(dataDir, error))
  const files = makeFileLists(context)
  return {
    inspectRepository: (path, choice) => inspectRepository(context, path, choice),
    prepareWorkspace: (request) => prepareWorkspace(context, request),
    keepReady: (request) => refillPool(context, request),
    forgetRepository: (path) => forgetPool(context, path),
    diffWorkspace: (request) => diffWorkspace(context, request),
    commitWorkspace: (request) => commitWorkspace(context, request),
    mergeWorkspace: (request) => mergeWorkspace(context, request),
    pushBranch: (request) => pushBranch(context, request),
    removeWorkspace: (request) => removeWorkspace(context, request),
    reconcileWorkspaces: (request) => reconcileWorkspaces(context, request),
    branchTip: async ({ repositoryPath, branchName }) =>
      resolveRef(await openRepository(context, repositoryPath), `refs/heads/${branchName}`),
    listFiles: (request) => files.list(request),
    readFile: (request) => readFileOf(context, request),
    async [Symbol.asyncDispose]() {
      await Promise.all([background[Symbol.asyncDispose](), deleting[Symbol.asyncDispose]()])
    },
  }
}

/** What a host that was killed left; one host holds a data directory, so nobody uses it. */
async function clearTemporary(context: Context): Promise<void> {
  await context.trash.open()
  await context.trash.discard(temporaryFolder(context)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  await mkdir(temporaryFolder(context), { mode: 0o700 })
  if (context.pool) await sweepPools(context, () => context.pool?.size() !== 0)
}

async function usableFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    return await realpath(path)
  } catch (error) {
    return unusable(path, error)
  }
}

function unusable(path: string, error: unknown): never {
  const why = error instanceof Error ? error.message : String(error)
  fail('DATA_DIR_UNUSABLE', `The data directory ${path} cannot be used: ${why}. Set TROUPE_HOME to another one.`)
}
