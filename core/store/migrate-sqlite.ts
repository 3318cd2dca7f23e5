/** Brings an SQLite database up to date; one with data is copied first. */
import { closeSync, openSync, renameSync, rmSync } from 'node:fs'
import type { SqlEntityManager } from '@mikro-orm/sql'
import { mapped } from './driver-errors.ts'
import { migrateUp, migrationState } from './migrator.ts'
import type { StoreDeps } from './open-store.ts'
import type { NativeSqlite } from './sqlite-connection.ts'

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
  const backup = version === undefined ? {} : { backup: await mapped(copyTo(`${file}.backup-${version}`, native)) }
  await migrateUp(orm.em, { pending, file, ...backup })
  deps.logger.info({ file, ...backup, migrations: pending }, 'The database was migrated.')
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
