/**
 * The files of an installed plugin, as a whole.
 *
 * T1 Only folders and plain files: a link, a pipe or a device is refused, so nothing outside of the tree belongs to it.
 * T2 Its size is bounded before anything is read.
 * T3 Two trees have the same content hash exactly if they have the same paths with the same bytes.
 */
import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { lstat, open, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fail } from '../../base/errors.ts'

export interface TreeLimits {
  readonly files: number
  readonly bytes: number
  readonly depth: number
}

export const TREE_LIMITS: TreeLimits = { files: 20_000, bytes: 256 * 1024 * 1024, depth: 40 }

interface TreeFile {
  /** Relative, with `/`. */
  readonly path: string
  readonly bytes: number
  /** Changes with its content: size, times and inode. */
  readonly stamp: string
}

/** All files, in the order of their paths. @throws TroupeError PLUGIN_INSTALL for what does not belong there (T1, T2). */
export async function listTree(
  root: string,
  limits: TreeLimits = TREE_LIMITS,
  skip: readonly string[] = [],
): Promise<TreeFile[]> {
  const files: TreeFile[] = []
  let bytes = 0
  const visit = async (folder: string, depth: number): Promise<void> => {
    if (depth > limits.depth)
      fail('PLUGIN_INSTALL', `The folders of the plugin are nested deeper than ${limits.depth}.`)
    for (const name of await readdir(join(root, folder))) {
      const path = folder === '' ? name : `${folder}/${name}`
      if (skip.includes(path)) continue
      const facts = await lstat(join(root, path), { bigint: true })
      if (facts.isDirectory()) await visit(path, depth + 1)
      else if (!facts.isFile())
        fail('PLUGIN_INSTALL', `"${path}" of the plugin is neither a file nor a folder, for example a link.`)
      else {
        const { size, mtimeNs, ctimeNs, ino } = facts
        bytes += Number(size)
        files.push({ path, bytes: Number(size), stamp: `${size} ${mtimeNs} ${ctimeNs} ${ino}` })
        assertSize(files.length, bytes, limits)
      }
    }
  }
  await visit('', 0)
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function assertSize(files: number, bytes: number, limits: TreeLimits): void {
  if (files <= limits.files && bytes <= limits.bytes) return
  fail(
    'PLUGIN_INSTALL',
    `The plugin with what it depends on is larger than ${limits.bytes / 2 ** 20} MiB or ${limits.files} files.`,
  )
}

/** Cheap: changes when any file was written, added or removed. */
export const stampOf = (files: readonly TreeFile[]): string =>
  createHash('sha256').update(JSON.stringify(files)).digest('base64')

/** `sha256-<base64>` of all paths and contents (T3). */
export async function contentHash(root: string, files: readonly TreeFile[]): Promise<string> {
  const all = createHash('sha256')
  for (const { path, bytes } of files) all.update(JSON.stringify([path, bytes, await fileHash(join(root, path))]))
  return `sha256-${all.digest('base64')}`
}

async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256')
  // A link that has taken the file's place is not followed.
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  for await (const chunk of createReadStream(path, { fd: file, autoClose: false })) hash.update(chunk)
  return hash.digest('base64')
}
