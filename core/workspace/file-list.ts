/**
 * The tracked files of a branch, for mentions in a prompt: asked for at each keystroke.
 *
 * Owns the lists of the last few commits. A list belongs to a commit and so never grows old; while the branch stands
 * still a query starts no process (its ref is read in process).
 */
import fs from 'node:fs/promises'
import { isBranchName } from './branch-name.ts'
import type { Context } from './context.ts'
import { readGitFile } from './git-file.ts'
import { resolveBranch } from './refs.ts'
import { openRepository } from './repository.ts'

export interface ListFilesRequest {
  readonly repositoryPath: string
  readonly branch: string
  /** Only paths that contain this, in any case. */
  readonly query?: string | undefined
  readonly limit: number
  readonly signal?: AbortSignal | undefined
}

export interface FileList {
  /** Those whose file name matches come first; then in the order of the tree. */
  readonly files: string[]
  readonly more: boolean
}

const KEPT_LISTS = 4
const MAX_PACKED_REFS_BYTES = 16 * 1024 * 1024

/** In the form that isomorphic-git reads files with. */
const boundedFiles = {
  promises: {
    ...fs,
    readFile: async (path: string) =>
      readGitFile(path, MAX_PACKED_REFS_BYTES) ?? Promise.reject(new Error(`${path} cannot be read.`)),
  },
}

export interface FileLists {
  /** @throws TroupeError REPO_NOT_FOUND, REPO_NOT_GIT, REPO_BRANCH_MISSING, GIT_FAILED */
  list(request: ListFilesRequest): Promise<FileList>
}

export function makeFileLists(context: Context): FileLists {
  const lists = new Map<string, readonly string[]>()
  const commonDirs = new Map<string, string>()

  const load = async ({ repositoryPath, branch, signal }: ListFilesRequest): Promise<readonly string[]> => {
    const repository = await openRepository(context, repositoryPath)
    commonDirs.set(repositoryPath, repository.commonDir)
    const commit = await resolveBranch(repository, branch)
    const { text } = await repository.git(['ls-tree', '-r', '-z', '--full-tree', commit], { signal })
    const files = text
      .split('\0')
      .filter((line) => /^\d+ blob /.test(line))
      .map((line) => line.slice(line.indexOf('\t') + 1))
    lists.set(`${repository.commonDir}\0${commit}`, files)
    for (const oldest of [...lists.keys()].slice(0, -KEPT_LISTS)) lists.delete(oldest)
    return files
  }
  const known = async ({ repositoryPath, branch }: ListFilesRequest): Promise<readonly string[] | undefined> => {
    const gitdir = commonDirs.get(repositoryPath)
    if (gitdir === undefined || !isBranchName(branch)) return undefined
    // Loaded by who mentions a file: it costs a host 4 MB and a start 50 ms.
    const { resolveRef } = await import('isomorphic-git')
    // Fails for what it does not know (reftable, a folder that is gone); then the git program has its say.
    const commit = await resolveRef({ fs: boundedFiles, gitdir, ref: `refs/heads/${branch}` }).catch(() => '')
    return lists.get(`${gitdir}\0${commit}`)
  }
  return { list: async (request) => search((await known(request)) ?? (await load(request)), request) }
}

function search(files: readonly string[], { query, limit }: ListFilesRequest): FileList {
  const wanted = (query ?? '').toLowerCase()
  const inName: string[] = []
  const inPath: string[] = []
  for (const file of files) {
    const path = file.toLowerCase()
    if (!path.includes(wanted)) continue
    const name = path.slice(path.lastIndexOf('/') + 1)
    if (name.includes(wanted)) inName.push(file)
    else inPath.push(file)
  }
  const found = wanted === '' ? files : [...inName, ...inPath]
  return { files: found.slice(0, limit), more: found.length > limit }
}
