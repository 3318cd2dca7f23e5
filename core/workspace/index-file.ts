/** Copies of git's index. */
import { constants } from 'node:fs'
import { copyFile, open, stat, utimes } from 'node:fs/promises'
import { isGitFile } from './git-file.ts'

/** Some ten million entries; a file with a hole would otherwise fill the disk. */
const MAX_BYTES = 1024 ** 3

/**
 * Copies an index with its time. git compares a file by content only if the file is not older than the index; a copy
 * that looks younger would hide a change made in the second in which the original was written.
 * @throws TroupeError GIT_FAILED when there is something else than an index; ENOENT when there is none.
 */
export async function copyIndexFile(from: string, to: string, mode?: number): Promise<void> {
  isGitFile(from, MAX_BYTES)
  // Looked at before: should another index take its place meanwhile, the older time is the careful one.
  const seconds = Math.floor((await stat(from)).mtimeMs / 1000)
  await copyFile(from, to, mode)
  await utimes(to, seconds, seconds)
}

const HEADER_BYTES = 12

/** How many files an index lists; 0 when there is none. */
export async function indexSize(path: string): Promise<number> {
  await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(() => undefined)
  if (!file || !(await file.stat()).isFile()) return 0
  const header = Buffer.alloc(HEADER_BYTES)
  await file.read(header, 0, HEADER_BYTES, 0)
  return header.toString('latin1', 0, 4) === 'DIRC' ? header.readUInt32BE(8) : 0
}
