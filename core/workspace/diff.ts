/** All that a task changed since its base commit, committed or not. */
import { existsSync } from 'node:fs'
import { fail, TroupeError } from '../base/errors.ts'
import type { DiffFile, TaskDiff } from '../contract/records.ts'
import type { Context } from './context.ts'
import { makePatchReader, type Patch } from './patches.ts'
import { resolveBranch } from './refs.ts'
import { openRepository, type BoundGit, type Repository } from './repository.ts'
import { openWorktree, type Worktree } from './worktree.ts'
import { lookAtWork } from './work.ts'

export interface DiffRequest {
  readonly repositoryPath: string
  readonly branchName: string
  readonly baseCommit: string
  /** Without it, or when it is gone from the disk, the branch alone is compared. */
  readonly worktreePath?: string | undefined
  readonly signal?: AbortSignal | undefined
}

const LIMITS = { fileBytes: 512 * 1024, allBytes: 8 * 1024 * 1024 }
const SUBMODULE = '160000'

/**
 * @throws TroupeError WORKTREE_MISSING when it is gone and the branch has nothing; REPO_NOT_FOUND, REPO_BRANCH_MISSING,
 * GIT_FAILED, TIMEOUT, ABORTED
 */
export async function diffWorkspace(context: Context, request: DiffRequest): Promise<TaskDiff> {
  const { branchName, baseCommit, signal } = request
  const repository = await openRepository(context, request.repositoryPath)
  const worktree = await existingWorktree(context, repository, request.worktreePath)
  if (!worktree) {
    const tip = await resolveBranch(repository, branchName)
    // Without a commit there is nothing to show but what was in the folder; an empty diff would say that it was nothing.
    if (request.worktreePath !== undefined && tip === baseCommit) workIsGone(request.worktreePath, branchName)
    return compare(repository.git, { from: baseCommit, to: tip, signal })
  }
  await using work = await lookAtWork(context, { repository, worktree }, { branchName, objects: 'temporary', signal })
  // Awaited here: the objects of an uncommitted tree vanish with `work`.
  return await compare(repository.git, { from: baseCommit, to: work.tree, env: work.snapshot.objectsEnv, signal })
}

async function existingWorktree(
  context: Context,
  repository: Repository,
  path: string | undefined,
): Promise<Worktree | undefined> {
  if (path === undefined) return undefined
  return openWorktree(context, repository, path).catch((error: unknown) => {
    if (error instanceof TroupeError && error.code === 'WORKTREE_MISSING') return undefined
    throw error
  })
}

function workIsGone(path: string, branchName: string): never {
  const none = `and the branch ${branchName} has no commit of the task`
  if (existsSync(path)) {
    const text = `git has forgotten the worktree ${path}, ${none}. Its files are still there: copy what you need. A new session begins in a new folder and sets this one aside.`
    return fail('WORKTREE_MISSING', text)
  }
  return fail(
    'WORKTREE_MISSING',
    `The worktree ${path} is gone from the disk, ${none}: anything that was not committed went with the folder. Put the folder back, or retry the task. Work that Troupe itself removed is kept below refs/troupe/saved.`,
  )
}

interface Comparison {
  readonly from: string
  readonly to: string
  readonly env?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal | undefined
}

/**
 * Two trees, outside of any folder: the `.gitattributes` of the branch do not count, so that `* -diff` in it hides
 * nothing from the reviewer.
 */
async function compare(git: BoundGit, { from, to, env = {}, signal }: Comparison): Promise<TaskDiff> {
  const diff = ['diff-tree', '-r', '-M', '--no-ext-diff', '--no-textconv', '--ignore-submodules=none']
  const trees = ['--end-of-options', `${from}^{tree}`, `${to}^{tree}`]
  const patches = makePatchReader(LIMITS)
  const [{ text }] = await Promise.all([
    git([...diff, '-z', '--raw', '--numstat', ...trees], { env, signal }),
    git([...diff, '--patch', '--submodule=short', ...trees], {
      env,
      signal,
      onOutput: (chunk) => patches.write(chunk),
    }),
  ])
  const files = withPatches(toFiles(text), patches.end())
  return {
    baseCommit: from,
    files,
    additions: files.reduce((sum, file) => sum + file.additions, 0),
    deletions: files.reduce((sum, file) => sum + file.deletions, 0),
  }
}

/** Reads `-z --raw --numstat`: first all raw records, then all counts, in the same order. */
export function toFiles(output: string): DiffFile[] {
  const fields = output.split('\0')
  const files: DiffFile[] = []
  let at = 0
  while (fields[at]?.startsWith(':')) {
    const [oldMode = '', newMode = '', , , status = ''] = (fields[at] ?? '').slice(1).split(' ')
    const renamed = status.startsWith('R')
    files.push(toFile({ oldMode, newMode, status }, fields.slice(at + 1, at + (renamed ? 3 : 2))))
    at += renamed ? 3 : 2
  }
  return files.map((file) => {
    const [additions = '', deletions = '', path = ''] = (fields[at] ?? '').split('\t')
    // A rename has an empty path here, and its two paths in fields of their own.
    at += path === '' ? 3 : 1
    const binary = additions === '-'
    return { ...file, binary, additions: binary ? 0 : Number(additions), deletions: binary ? 0 : Number(deletions) }
  })
}

const CHANGES: Readonly<Record<string, DiffFile['change']>> = {
  A: 'added',
  D: 'deleted',
  M: 'modified',
  R: 'renamed',
  T: 'type_changed',
}

interface RawRecord {
  readonly oldMode: string
  readonly newMode: string
  readonly status: string
}

function toFile({ oldMode, newMode, status }: RawRecord, paths: readonly string[]): DiffFile {
  const oldPath = paths.length > 1 ? paths[0] : undefined
  return {
    path: paths.at(-1) ?? '',
    ...(oldPath !== undefined && { oldPath }),
    change: CHANGES[status.charAt(0)] ?? 'modified',
    binary: false,
    submodule: oldMode === SUBMODULE || newMode === SUBMODULE,
    ...(status !== 'A' && { oldMode }),
    ...(status !== 'D' && { newMode }),
    additions: 0,
    deletions: 0,
  }
}

/** A change of type is two sections: the old thing deleted, the new one added. */
function withPatches(files: readonly DiffFile[], patches: readonly Patch[]): DiffFile[] {
  let at = 0
  return files.map((file) => {
    const count = file.change === 'type_changed' ? 2 : 1
    const sections = patches.slice(at, at + count)
    at += count
    if (sections.some(({ kind }) => kind === 'tooLarge')) return { ...file, tooLarge: true }
    const patch = sections.map((section) => (section.kind === 'hunks' ? section.text : '')).join('')
    return patch === '' ? file : { ...file, patch }
  })
}
