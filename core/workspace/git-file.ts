/** Small files of a git directory, which a repository or an agent may have put anything in the place of. */
import { constants } from 'node:fs'
import { open, stat } from 'node:fs/promises'
import { fail } from '../base/errors.ts'

const MAX_BYTES = 64 * 1024

/**
 * The text of a file; undefined when it is missing, is no regular file or has more than `maxBytes`. A pipe would hold
 * the reader for ever, and with it a thread of the few that all file access of the host shares.
 */
export async function readGitFile(path: string, maxBytes = MAX_BYTES): Promise<string | undefined> {
  await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)).catch(() => undefined)
  const state = await file?.stat()
  if (!file || !state?.isFile()) return undefined
  // One byte more, to see that it has grown since or is over the limit.
  const buffer = Buffer.alloc(Math.min(maxBytes, state.size) + 1)
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0)
  return bytesRead < buffer.length ? buffer.toString('utf8', 0, bytesRead) : undefined
}

/**
 * True when the file is there. git opens such files itself, and a pipe in the place of one would hold it up.
 * @throws TroupeError GIT_FAILED when it is something else than a file, or larger than `maxBytes`.
 */
export async function isGitFile(path: string, maxBytes = Infinity): Promise<boolean> {
  const state = await stat(path).catch(() => undefined)
  if (!state) return false
  if (!state.isFile()) fail('GIT_FAILED', `${path} is not a regular file, so git is not started on it. Remove it.`)
  if (state.size > maxBytes) fail('GIT_FAILED', `${path} has ${state.size} bytes, over the limit of ${maxBytes}.`)
  return true
}
