/** What the tests of this folder share: a repository, the workspaces over it, a task in it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { vi } from 'vitest'
import { openWorkspaces, type Workspaces } from '../../core/workspace/workspaces.ts'
import type { PreparedWorkspace } from '../../core/workspace/prepare.ts'
import type { PoolOptions } from '../../core/workspace/worktree-pool.ts'
import type { MergeStrategy } from '../../core/contract/statuses.ts'
import { openGitLab, type GitLab, type TestRepository } from '../helpers/repositories.ts'

export const TASK = '0190aaaa-0000-7000-8000-00000000cafe'
export const BRANCH = 'troupe/work-0000cafe'
/** Prepares at once, small repositories too. */
export const POOL: PoolOptions = { size: () => 1, delayMs: 0, minFiles: 0 }
export const trailers = { taskId: TASK, agent: 'command' }

export interface Workbench extends AsyncDisposable {
  readonly lab: GitLab
  readonly repository: TestRepository
  readonly workspaces: Workspaces
  /** Another host on the same data directory, as after a restart. */
  reopen(pool?: PoolOptions): Promise<Workspaces>
  /** Folders of files that are prepared right now. */
  prepared(): string[]
  /** Waits until files are prepared; gives their folder. Needs a pool. */
  ready(): Promise<string>
  prepare(changes?: Partial<Parameters<Workspaces['prepareWorkspace']>[0]>): Promise<PreparedWorkspace>
  /** The worktree of the task, made if it is not there. */
  worktree(): Promise<TestRepository & { readonly baseCommit: string }>
  diff(): ReturnType<Workspaces['diffWorkspace']>
  commit(): Promise<string>
  merge(strategy?: MergeStrategy): ReturnType<Workspaces['mergeWorkspace']>
  remove(changes?: {
    readonly deleteBranch?: boolean
    readonly worktreePath?: string
  }): ReturnType<Workspaces['removeWorkspace']>
}

export async function openWorkbench(
  options: {
    readonly identity?: boolean
    readonly name?: string
    readonly args?: readonly string[]
    readonly pool?: PoolOptions
  } = {},
): Promise<Workbench> {
  const lab = await openGitLab(options)
  const repository = await lab.repository(options.name, options)
  const opened = new AsyncDisposableStack()
  opened.use(lab)
  const reopen = async (pool = options.pool): Promise<Workspaces> =>
    opened.use(await openWorkspaces({ dataDir: lab.dataDir, env: lab.env, pool }))
  const workspaces = await reopen()
  const prepare: Workbench['prepare'] = (changes) =>
    workspaces.prepareWorkspace({
      taskId: TASK,
      repositoryPath: repository.path,
      baseBranch: 'main',
      branchName: BRANCH,
      setup: { copy: [] },
      env: { PATH: lab.env['PATH'] ?? '' },
      ...changes,
    })
  const place = { repositoryPath: repository.path, branchName: BRANCH }
  let prepared: Promise<PreparedWorkspace> | undefined
  const once = (): Promise<PreparedWorkspace> => (prepared ??= prepare())
  const pools = join(lab.dataDir, 'prepared')
  const inPools = (): string[] =>
    (existsSync(pools) ? readdirSync(pools) : []).flatMap((pool) =>
      readdirSync(join(pools, pool)).map((name) => join(pools, pool, name, 'files')),
    )
  return {
    lab,
    repository,
    workspaces,
    reopen,
    prepare,
    prepared: inPools,
    async ready() {
      workspaces.keepReady({ repositoryPath: repository.path, baseBranch: 'main' })
      const enough = (folders: readonly string[]): boolean => folders.length === (options.pool?.size() ?? 0)
      const folders = await vi.waitUntil(() => [inPools()].find(enough), { timeout: 60_000 })
      return folders[0] ?? ''
    },
    async worktree() {
      const { path, baseCommit } = await once()
      return { ...lab.at(path), baseCommit }
    },
    async diff() {
      const { path, baseCommit } = await once()
      return workspaces.diffWorkspace({ ...place, worktreePath: path, baseCommit })
    },
    async commit() {
      const { path } = await once()
      const request = { ...place, worktreePath: path, message: 'Do the work', trailers }
      return (await workspaces.commitWorkspace(request)).commit
    },
    async merge(strategy = 'merge') {
      const baseCommit = await repository.git('rev-parse', `refs/troupe/base/${TASK}`)
      const request = { ...place, baseBranch: 'main', baseCommit, strategy, message: 'Merge the work', trailers }
      return workspaces.mergeWorkspace(request)
    },
    async remove(changes) {
      const saveRef = 'refs/troupe/saved/session'
      const worktreePath = changes?.worktreePath ?? (await once()).path
      prepared = undefined
      return workspaces.removeWorkspace({ ...place, taskId: TASK, worktreePath, saveRef, ...changes })
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

/** The code of the error that a promise ends in; fails when it does not. */
export async function codeOf(work: Promise<unknown>): Promise<unknown> {
  const error: unknown = await work.then(
    () => new Error('It did not fail.'),
    (reason: unknown) => reason,
  )
  return error instanceof Error && 'code' in error ? error.code : error
}

/** False too for a killed process that still waits for its reaper. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
