/** Brings an SQLite database up to date; one with data is copied first. */
import { closeSync, openSync, renameSync, rmSync } from 'node:fs'
import { TroupeError } from '../base/errors.ts'
import type { SqlEntityManager } from '@mikro-orm/sql'
import { mapped } from './driver-errors.ts'
import { migrateUp, migrationState } from './migrator.ts'
import type { StoreDeps } from './open-store.ts'
import type { NativeSqlite } from './sqlite-tx.ts'

interface SqliteDatabase {
  readonly orm: { readonly em: SqlEntityManager }
  readonly native: NativeSqlite
  readonly file: string
}

/** @throws TroupeError STORE_NEWER; STORE_MIGRATION_FAILED, the database then being as it was. */
export async function migrateSqlite({ orm, native, file }: SqliteDatabase, deps: StoreDeps): Promise<void> {
  const { executed, pending } = await mapped(migrationState(orm.em, 'sqlite', deps))
  if (pending.length === 0) return
  const version = executed.at(-1)
  const backup = version === undefined ? undefined : await mapped(copyTo(`${file}.backup-${version}`, native))
  try {
    await migrateUp(orm.em)
  } catch (cause) {
    throw migrationFailed({ file, pending, backup }, cause)
  }
  deps.logger.info({ file, backup, migrations: pending }, 'The database was migrated.')
}

/** Makes a consistent copy. It appears whole or not at all, and is for its owner only. */
async function copyTo(copy: string, native: NativeSqlite): Promise<string> {
  const partial = `${copy}.partial`
  rmSync(partial, { force: true })
  closeSync(openSync(partial, 'wx', 0o600))
  native.exec(`vacuum into '${partial.replaceAll("'", "''")}'`)
  renameSync(partial, copy)
  return copy
}

function migrationFailed(
  { file, pending, backup }: { file: string; pending: readonly string[]; backup: string | undefined },
  cause: unknown,
): TroupeError {
  const kept = backup === undefined ? 'Nothing was changed.' : `Nothing was changed; a copy is in ${backup}.`
  const reason = cause instanceof Error ? cause.message : String(cause)
  const text = `The database ${file} could not be migrated (${pending.join(', ')}): ${reason}. ${kept} Start the Troupe that wrote it, and report this.`
  return new TroupeError('STORE_MIGRATION_FAILED', text, { file, pending, ...(backup && { backup }) }, cause)
}
