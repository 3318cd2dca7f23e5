/** Brings an SQLite database up to date; one with data is copied first. */
import { closeSync, openSync, renameSync, rmSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { mapped } from './driver-errors.ts'
import { knownMigrations, migrationState } from './migration-state.ts'
import type { StoreDeps } from './open-store.ts'
import type { SqliteConnection } from './sqlite-connection.ts'
import { makeSqliteTx } from './sqlite-tx.ts'

interface SqliteDatabase {
  readonly writer: SqliteConnection
  readonly file: string
  readonly busyTimeoutMs: number
}

/** @throws TroupeError STORE_NEWER; STORE_MIGRATION_FAILED, the database then being as it was. */
export async function migrateSqlite({ writer, file, busyTimeoutMs }: SqliteDatabase, deps: StoreDeps): Promise<void> {
  const { executed, pending } = await mapped(migrationState(makeSqliteTx(writer, deps.clock).tx, deps))
  if (pending.length === 0) return
  const version = executed.at(-1)
  const backup =
    version === undefined ? {} : { backup: await mapped(copyTo(`${file}.backup-${version}`, writer.native)) }
  const migrateUp = deps.migrateUp ?? (await import('./migrator.ts')).migrateUp
  await migrateUp({
    target: { driver: 'sqlite', file, busyTimeoutMs },
    migrations: knownMigrations('sqlite', deps),
    details: { pending, file, ...backup },
  })
  deps.logger.info({ file, ...backup, migrations: pending }, 'The database was migrated.')
}

/** Makes a consistent copy. It appears whole or not at all, and is for its owner only. */
async function copyTo(copy: string, native: DatabaseSync): Promise<string> {
  const partial = `${copy}.partial`
  rmSync(partial, { force: true })
  closeSync(openSync(partial, 'wx', 0o600))
  try {
    native.exec(`vacuum into '${partial.replaceAll("'", "''")}'`)
    renameSync(partial, copy)
  } catch (error) {
    rmSync(partial, { force: true }) // A full disk stays full otherwise.
    throw error
  }
  return copy
}
