/**
 * Small files of a git directory, which a repository or an agent may have put anything in the place of.
 *
 * They are read by synchronous calls: each takes some microseconds, where a turn of the thread pool takes milliseconds on a busy
 * machine, and whatever looks at a repository makes dozens of them.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, statSync, type Stats } from 'node:fs'
import { fail } from '../base/errors.ts'

const MAX_BYTES = 64 * 1024

/** The text of a file; undefined when it is missing, is no regular file or has more than `maxBytes`. */
export function readGitFile(path: string, maxBytes = MAX_BYTES): string | undefined {
  // A pipe would hold the reader for ever.
  const file = orNothing(() => openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)))
  if (file === undefined) return undefined
  try {
    const state = fstatSync(file)
    if (!state.isFile()) return undefined
    // One byte more, to see that it has grown since or is over the limit.
    const buffer = Buffer.alloc(Math.min(maxBytes, state.size) + 1)
    const bytesRead = readSync(file, buffer, 0, buffer.length, 0)
    return bytesRead < buffer.length ? buffer.toString('utf8', 0, bytesRead) : undefined
  } finally {
    closeSync(file)
  }
}

/**
 * True when the file is there. git opens such files itself, and a pipe in the place of one would hold it up.
 * @throws TroupeError GIT_FAILED when it is something else than a file, or larger than `maxBytes`.
 */
export function isGitFile(path: string, maxBytes = Infinity): boolean {
  const state = targetOf(path)
  if (!state) return false
  if (!state.isFile()) fail('GIT_FAILED', `${path} is not a regular file, so git is not started on it. Remove it.`)
  if (state.size > maxBytes) fail('GIT_FAILED', `${path} has ${state.size} bytes, over the limit of ${maxBytes}.`)
  return true
}

/** What is at the path, a link itself; undefined when nothing can be seen there. */
export const entryAt = (path: string): Stats | undefined => orNothing(() => lstatSync(path, { throwIfNoEntry: false }))

/** What the path leads to; undefined when nothing can be seen there. */
export const targetOf = (path: string): Stats | undefined => orNothing(() => statSync(path, { throwIfNoEntry: false }))

/** Undefined when the system refuses. */
export function orNothing<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
