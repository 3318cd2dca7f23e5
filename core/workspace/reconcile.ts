/** At start: what the database knows of worktrees against what git and the disk know. Deletes nothing with content. */
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { toEnvelope, type ErrorEnvelope } from '../base/errors.ts'
import { worktreesFolder, type Context } from './context.ts'
import { isInside } from './inside.ts'
import { openRepository } from './repository.ts'
import { forgetWorktree, worktreeFolders } from './worktree-records.ts'

export interface KnownWorkspace {
  readonly taskId: string
  readonly repositoryPath: string
  readonly worktreePath: string
  readonly branchName: string
}

export interface Reconciliation {
  /** Tasks whose worktree is gone, from the disk or from git; `prepareWorkspace` makes it again. */
  readonly missing: readonly string[]
  /** Folders in our data directory that no known task claims. They are left as they are. */
  readonly unknown: readonly string[]
  /** Records of ours whose folder was gone; git has forgotten them. */
  readonly mended: readonly string[]
  /** Repositories that could not be looked at; nothing is concluded about their tasks. */
  readonly unreachable: readonly { readonly repositoryPath: string; readonly error: ErrorEnvelope }[]
}

/** Never rejects because of one repository. */
export async function reconcileWorkspaces(
  context: Context,
  { known }: { readonly known: readonly KnownWorkspace[] },
): Promise<Reconciliation> {
  const missing: string[] = []
  const mended: string[] = []
  const unreachable: Reconciliation['unreachable'][number][] = []
  for (const [repositoryPath, tasks] of Map.groupBy(known, (task) => task.repositoryPath)) {
    try {
      const found = await lookAtRepository(context, repositoryPath)
      mended.push(...found.mended)
      missing.push(...tasks.filter((task) => !found.present.has(task.worktreePath)).map((task) => task.taskId))
    } catch (error) {
      unreachable.push({ repositoryPath, error: toEnvelope(error) })
    }
  }
  const claimed = new Set(known.map((task) => task.worktreePath))
  const unknown = (await foldersOnDisk(context)).filter((path) => !claimed.has(path))
  return { missing, unknown, mended, unreachable }
}

async function lookAtRepository(
  context: Context,
  repositoryPath: string,
): Promise<{ readonly present: ReadonlySet<string>; readonly mended: readonly string[] }> {
  const repository = await openRepository(context, repositoryPath)
  const records = await worktreeFolders(repository.commonDir)
  const own = records.filter(({ path }) => isInside(worktreesFolder(context), path))
  const present = new Set<string>()
  const mended: string[] = []
  for (const { path, locked } of own) {
    if (!(await isGone(path))) present.add(path)
    else if (locked === undefined || locked === 'initializing') {
      await forgetWorktree(context, repository, path)
      mended.push(path)
    }
  }
  return { present, mended }
}

/** Only when the disk says so: a folder that cannot be looked at is not gone. */
const isGone = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )

async function foldersOnDisk(context: Context): Promise<string[]> {
  const root = worktreesFolder(context)
  const tasks = await readdir(root).catch(() => [])
  const folders = await Promise.all(
    tasks.map(async (task) => {
      const entries = await readdir(join(root, task), { withFileTypes: true }).catch(() => [])
      return entries.filter((entry) => entry.isDirectory()).map((entry) => join(root, task, entry.name))
    }),
  )
  return folders.flat()
}
