/** Whether the database is sound. Looked at from here, so that a host at work is not held up. */
import { stat } from 'node:fs/promises'
import { checkSqliteFile } from '../../../core/store/sqlite-connection.ts'
import type { DataDirectory } from '../../data-directory.ts'
import { type Check, ok } from './check.ts'

/** @throws TroupeError STORE_CORRUPT, STORE_BUSY, STORE_FAILED */
export async function checkDatabase({ database }: Pick<DataDirectory, 'database'>): Promise<Check[]> {
  const size = await sizeOf(database)
  if (size === 0) return [ok('database file', `${database}: none yet`)]
  await checkSqliteFile(database)
  const journal = await sizeOf(`${database}-wal`)
  return [
    ok(
      'database file',
      `${database}: sound, ${megabytes(size)}${journal > 0 ? ` and a journal of ${megabytes(journal)}` : ''}`,
    ),
  ]
}

const sizeOf = async (path: string): Promise<number> => (await stat(path).catch(() => undefined))?.size ?? 0

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`
