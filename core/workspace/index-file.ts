/** Copies of git's index. */
import { copyFile, stat, utimes } from 'node:fs/promises'

/**
 * Copies an index with its time. git compares a file by content only if the file is not older than the index; a copy
 * that looks younger would hide a change made in the second in which the original was written.
 */
export async function copyIndexFile(from: string, to: string, mode?: number): Promise<void> {
  // Looked at before: should another index take its place meanwhile, the older time is the careful one.
  const seconds = Math.floor((await stat(from)).mtimeMs / 1000)
  await copyFile(from, to, mode)
  await utimes(to, seconds, seconds)
}
