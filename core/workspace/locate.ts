/**
 * Finds the repository that a path lies in, by its files and not by asking git: it saves five processes an operation,
 * names may hold newlines, and `core.worktree` of a hostile repository cannot claim another folder for its own.
 */
import { realpathSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { fail } from '../base/errors.ts'
import type { Context } from './context.ts'
import { isGitFile, orNothing, readGitFile, targetOf } from './git-file.ts'
import { assertTrusted, otherOwner } from './owner.ts'
import { listWorktrees } from './worktree-records.ts'

export interface Location {
  /** Where the files are: the main folder; a linked worktree when the repository itself is bare. */
  readonly root: string
  /** The git directory that all worktrees share. */
  readonly commonDir: string
  /** The folder whose HEAD the caller meant: `root`, or the linked worktree that the path lies in. */
  readonly folder: string
}

/**
 * A path in a subfolder gives the repository around it, a path in a linked worktree its main repository; when that is
 * bare, the linked worktree itself.
 * @throws TroupeError REPO_NOT_FOUND, REPO_NOT_GIT, REPO_BARE, GIT_FAILED, GIT_NOT_INSTALLED, REPO_UNWRITABLE when it
 * belongs to another user
 */
export async function locateRepository(context: Context, path: string): Promise<Location> {
  const { folder, gitDir } = findFolder(existingFolder(path), path)
  const commonDir = sharedBy(gitDir)
  const main = basename(commonDir) === '.git' ? dirname(commonDir) : commonDir
  await assertTrusted(context, [folder, join(folder, '.git'), gitDir, commonDir, main], [main, folder])
  isGitFile(join(commonDir, 'commondir'))
  if (commonDir === gitDir) return { root: folder, commonDir, folder }
  const first = (await listWorktrees(context, commonDir))[0]
  const known = first !== undefined && !first.bare && isGitDir(join(first.path, '.git'))
  return { root: known ? realpathSync.native(first.path) : folder, commonDir, folder }
}

function existingFolder(path: string): string {
  const real = orNothing(() => realpathSync.native(resolve(path)))
  if (real === undefined) {
    return fail('REPO_NOT_FOUND', `${path} does not exist. Check the path, or add the repository again.`)
  }
  if (!targetOf(real)?.isDirectory()) fail('REPO_NOT_GIT', `${path} is a file. Name the folder of a repository.`)
  return real
}

function findFolder(start: string, path: string): { folder: string; gitDir: string } {
  for (let folder = start; ; folder = dirname(folder)) {
    const gitDir = gitDirOf(folder)
    if (gitDir !== undefined) return { folder, gitDir }
    if (basename(folder) !== '.git' && isGitDir(folder)) {
      fail('REPO_BARE', `${path} is a bare repository. Name a clone or a worktree of it that has files.`)
    }
    // Further up it is no longer for the owner of the path to say what the repository is.
    if (folder === dirname(folder) || otherOwner(folder) !== undefined) break
  }
  return fail('REPO_NOT_GIT', `${path} is not in a git repository. Run "git init" there, or name another folder.`)
}

/** `.git` is the directory itself, or in linked worktrees and submodules a file that names it. */
function gitDirOf(folder: string): string | undefined {
  const entry = join(folder, '.git')
  const state = targetOf(entry)
  const named = state?.isFile() ? /^gitdir: ([^]+?)\n*$/.exec(readGitFile(entry) ?? '')?.[1] : entry
  if (!state || named === undefined) return undefined
  const gitDir = resolve(folder, named)
  return isGitDir(gitDir) ? realpathSync.native(gitDir) : undefined
}

const isGitDir = (path: string): boolean =>
  targetOf(join(path, 'HEAD'))?.isFile() === true && targetOf(join(sharedBy(path), 'objects'))?.isDirectory() === true

/** A linked worktree has a git directory of its own, and in it the way to the one that all share. */
function sharedBy(gitDir: string): string {
  const way = readGitFile(join(gitDir, 'commondir')) ?? '.'
  return orNothing(() => realpathSync.native(resolve(gitDir, way.replace(/\n+$/, '')))) ?? gitDir
}
