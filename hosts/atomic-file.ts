/** Writes a file so that readers see the old content or the new one, never a part. */
import { randomBytes } from 'node:crypto'
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { TroupeError } from '../core/base/errors.ts'

/**
 * Synchronous on purpose: a read, a change and this write cannot be interleaved with another one in this process.
 * @throws TroupeError DATA_DIR_UNUSABLE; the old content is untouched then.
 */
export function writeFileAtomically(path: string, content: string, mode = 0o600): void {
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    const file = openSync(temporary, 'wx', mode)
    try {
      writeFileSync(file, content)
      fsyncSync(file)
    } finally {
      closeSync(file)
    }
    renameSync(temporary, path)
  } catch (error) {
    rmSync(temporary, { force: true })
    const why = error instanceof Error ? error.message : String(error)
    throw new TroupeError(
      'DATA_DIR_UNUSABLE',
      `${path} cannot be written: ${why}. Make room, or look at who may write there.`,
    )
  }
}
