/** One file for review: of a commit, or as it lies in a worktree. Nothing outside of either is ever read. */
import { constants, type Stats } from 'node:fs'
import { lstat, open, readlink, realpath, stat, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fail } from '../base/errors.ts'
import type { Context } from './context.ts'
import { isInside, isRepositoryPath, realInside } from './inside.ts'
import { openRepository } from './repository.ts'
import { openWorktree } from './worktree.ts'

export interface ReadFileRequest {
  readonly repositoryPath: string
  /** Relative to the root of the repository, with `/`. */
  readonly path: string
  readonly maxBytes: number
  readonly from: { readonly commit: string } | { readonly worktreePath: string }
  readonly signal?: AbortSignal | undefined
}

/**
 * The bytes of a file. A symbolic link is its target as text, a submodule the number of its commit: what git stores.
 * @throws TroupeError REPO_FILE_NOT_FOUND, LIMIT_BODY, WORKTREE_MISSING, REPO_*, GIT_FAILED
 */
export async function readFileOf(context: Context, request: ReadFileRequest): Promise<Uint8Array> {
  if (!isRepositoryPath(request.path)) notFound(request.path)
  const { from } = request
  if ('commit' in from) return readCommitted(context, request, from.commit)
  return readWorking(context, request, from.worktreePath)
}

const notFound = (path: string): never => fail('REPO_FILE_NOT_FOUND', `There is no file ${JSON.stringify(path)}.`)

function assertSize(path: string, size: number, maxBytes: number): void {
  if (size <= maxBytes) return
  fail('LIMIT_BODY', `${path} has ${size} bytes, over the limit of ${maxBytes}. Open it in the worktree instead.`, {
    size,
  })
}

async function readCommitted(context: Context, request: ReadFileRequest, commit: string): Promise<Buffer> {
  const { path, maxBytes, signal } = request
  const repository = await openRepository(context, request.repositoryPath)
  const tree = ['ls-tree', '-z', '--full-tree', '--long', '--end-of-options', `${commit}^{tree}`, '--', path]
  const { text } = await repository.git(tree, { signal })
  const [, type, object = '', size = ''] = /^\d+ (\w+) ([0-9a-f]+) +(\d+|-)\t/.exec(text) ?? []
  if (type === 'commit') return Buffer.from(object)
  if (type !== 'blob') return notFound(path)
  assertSize(path, Number(size), maxBytes)
  return (await repository.git(['cat-file', 'blob', object], { signal, maxOutputBytes: maxBytes })).stdout
}

async function readWorking(context: Context, request: ReadFileRequest, worktreePath: string): Promise<Buffer> {
  const { path, maxBytes } = request
  const repository = await openRepository(context, request.repositoryPath)
  const { path: root } = await openWorktree(context, repository, worktreePath)
  const parent = await realInside(root, dirname(path))
  // A link on the way, even one that stays inside, is not how git sees the path.
  if (parent !== join(root, dirname(path))) return notFound(path)
  const found = await lstat(join(root, path)).catch(() => undefined)
  if (found?.isSymbolicLink()) return Buffer.from(await readlink(join(root, path)))
  if (!found?.isFile()) return notFound(path)
  await using file = await open(join(root, path), constants.O_RDONLY | noFollow()).catch(() => notFound(path))
  const state = await file.stat()
  await assertStillInside(root, path, state)
  assertSize(path, state.size, maxBytes)
  return await readAll(file, { path, maxBytes })
}

/** Without blocking, so that a pipe that took the place of the file cannot hold us. */
const noFollow = (): number => (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0)

/** An agent may swap a folder for a link between our look and our opening; the open file must be the one inside. */
async function assertStillInside(root: string, path: string, opened: Stats): Promise<void> {
  const real = await realpath(join(root, path)).catch(() => '')
  const state = await stat(real).catch(() => undefined)
  const same = opened.isFile() && state?.ino === opened.ino && state.dev === opened.dev
  if (!same || !isInside(root, real)) notFound(path)
}

/** The file may grow while it is read. */
async function readAll(file: FileHandle, { path, maxBytes }: { path: string; maxBytes: number }): Promise<Buffer> {
  const buffer = Buffer.alloc(maxBytes + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) return Buffer.from(buffer.subarray(0, length))
    length += bytesRead
  }
  assertSize(path, length, maxBytes)
  return buffer
}
