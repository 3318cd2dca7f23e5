/** The git side of Troupe: repositories, and a worktree for each task. The one entrance to this folder. */
import { mkdir, realpath, rm } from 'node:fs/promises'
import { systemClock, type Clock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import { silentLogger, type Logger } from '../base/logger.ts'
import type { TaskDiff } from '../contract/records.ts'
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
import { openRepository, resolveRef } from './repository.ts'
import { removeWorkspace, type Removed, type RemoveRequest } from './remove.ts'

export interface WorkspaceOptions {
  /** Absolute; created if missing. Worktrees lie below it, so never in the system's temporary folder. */
  readonly dataDir: string
  readonly clock?: Clock
  readonly logger?: Logger
  /** The environment that git gets its few variables from; default: that of the process. */
  readonly env?: Readonly<NodeJS.ProcessEnv>
}

/** Each function documents its errors where it is defined. */
export interface Workspaces {
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
}

/** One per host. @throws TroupeError DATA_DIR_UNUSABLE */
export async function openWorkspaces(options: WorkspaceOptions): Promise<Workspaces> {
  const context: Context = {
    dataDir: await usableFolder(options.dataDir),
    clock: options.clock ?? systemClock,
    logger: options.logger ?? silentLogger,
    git: makeGit(options.env ?? process.env),
    locks: makeKeyedLock(),
  }
  // Left by a host that was killed; one host holds a data directory, so nobody uses them.
  await rm(temporaryFolder(context), { recursive: true, force: true })
  const files = makeFileLists(context)
  return {
    inspectRepository: (path, choice) => inspectRepository(context, path, choice),
    prepareWorkspace: (request) => prepareWorkspace(context, request),
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
  }
}

async function usableFolder(path: string): Promise<string> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 })
    return await realpath(path)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return fail(
      'DATA_DIR_UNUSABLE',
      `The data directory ${path} cannot be used: ${why}. Set TROUPE_HOME to another one.`,
    )
  }
}
