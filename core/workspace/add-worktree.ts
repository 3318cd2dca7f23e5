/**
 * Adds a worktree without files: its folder, and git's record of it.
 *
 * `git worktree add` costs three processes, one after the other, so the record is written here, as gitrepository-layout(5)
 * has it: `gitdir` last, because git takes no notice of a record without it. What a crash leaves before that, git's own
 * `prune` takes away. Where refs are no plain files, or files are shared with a group, git does it.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fail, TroupeError } from '../base/errors.ts'
import { isRefName } from './branch-name.ts'
import { sparseFile } from './checkout-shape.ts'
import type { Context } from './context.ts'
import { readGitFile } from './git-file.ts'
import type { Repository } from './repository.ts'
import { worktreeConfig } from './repository-view.ts'
import { readSettings } from './settings-file.ts'
import { administrativeFolder, changeWorktrees } from './worktree-records.ts'

export interface NewWorktree {
  /** Nothing is there; the folder above is. */
  readonly path: string
  /** Exists, and is checked out nowhere. */
  readonly branchName: string
  readonly signal: AbortSignal | undefined
}

const BY_GIT = /^(?:core\.sharedrepository|extensions\.refstorage)$/
const MAX_NAMES = 10_000

/** Gives the folder of the record; the worktree's `.git` file is still to be written. */
export async function addWorktree(context: Context, repository: Repository, request: NewWorktree): Promise<string> {
  const { path, branchName, signal } = request
  const { commonDir } = repository
  const config = await worktreeConfig(context, commonDir)
  const settings = await readSettings(context, join(commonDir, 'config'))
  if (settings.some(([key]) => BY_GIT.test(key))) {
    await changeWorktrees(context, repository, ['add', '--no-checkout', '--', path, branchName], { signal })
    const gitDir = await administrativeFolder(commonDir, path)
    if (gitDir === undefined) fail('WORKTREE_MISSING', `git has no record of ${path}. Start the task again.`)
    await writeFile(join(gitDir, 'config.worktree'), config)
    return gitDir
  }
  if (signal?.aborted) throw new TroupeError('ABORTED', `The worktree ${path} was given up.`)
  const gitDir = await newRecord(commonDir, basename(path))
  await writeFile(join(gitDir, 'commondir'), '../..\n')
  await writeFile(join(gitDir, 'HEAD'), `ref: refs/heads/${branchName}\n`)
  await writeFile(join(gitDir, 'config.worktree'), config)
  await copySparse(commonDir, gitDir)
  await mkdir(path)
  await writeFile(join(gitDir, 'gitdir'), `${join(path, '.git')}\n`)
  return gitDir
}

/** Named after the folder, with a number where the name is taken. */
async function newRecord(commonDir: string, wanted: string): Promise<string> {
  const parent = join(commonDir, 'worktrees')
  await mkdir(parent, { recursive: true })
  // A part of the names of its refs.
  const name = isRefName(wanted) ? wanted : 'worktree'
  for (let number = 0; number < MAX_NAMES; number += 1) {
    const folder = join(parent, number === 0 ? name : `${name}${number}`)
    const made = await mkdir(folder).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
        return false
      },
    )
    if (made) return folder
  }
  return fail('GIT_FAILED', `${parent} has ${MAX_NAMES} records of "${name}". Run: git worktree prune`)
}

async function copySparse(from: string, to: string): Promise<void> {
  const text = readGitFile(sparseFile(from))
  if (text === undefined) return
  await mkdir(join(to, 'info'))
  await writeFile(sparseFile(to), text)
}
