/** Which migrations there are, which a database has, and running the rest. */
import { type Migration, Migrator } from '@mikro-orm/migrations'
import type { Constructor, MigrationObject, SqlEntityManager } from '@mikro-orm/sql'
import { fail, TroupeError } from '../base/errors.ts'
import { fromDriverError } from './driver-errors.ts'
import { postgresMigrations } from './migrations/postgres/list.ts'
import { sqliteMigrations } from './migrations/sqlite/list.ts'
import type { StoreDeps } from './open-store.ts'
import type { DriverName } from './tx.ts'

/** The name is what the database remembers; it sorts by age. */
export interface NamedMigration {
  readonly name: string
  readonly class: Constructor<Migration>
}

export interface MigrationState {
  readonly executed: readonly string[]
  readonly pending: readonly string[]
}

export interface MigrationDetails {
  readonly pending: readonly string[]
  readonly file?: string
  /** Where the copy is that was made before. */
  readonly backup?: string
}

const OWN = { sqlite: sqliteMigrations, postgresql: postgresMigrations }

/** A list of classes, not a folder: it works compiled and packed too. */
export const migratorOptions = (driver: DriverName, deps: Pick<StoreDeps, 'migrations'> = {}) => ({
  migrationsList: [...(deps.migrations ?? OWN[driver])] satisfies MigrationObject[],
  tableName: 'migration',
  snapshot: false,
  // On PostgreSQL this would need a superuser.
  disableForeignKeys: false,
  allOrNothing: true,
  silent: true,
})

/** @throws TroupeError STORE_NEWER when the database has a migration that this program does not know. */
export async function migrationState(
  em: SqlEntityManager,
  driver: DriverName,
  deps: StoreDeps,
): Promise<MigrationState> {
  const executed = (await new Migrator(em).getExecuted()).map((row) => row.name)
  const known = (deps.migrations ?? OWN[driver]).map((migration) => migration.name)
  const unknown = executed.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    const text = `The database was written by a newer Troupe: this program does not know its migration ${unknown.join(', ')}. Upgrade Troupe, or use another data directory.`
    fail('STORE_NEWER', text, { unknown })
  }
  return { executed, pending: known.filter((name) => !executed.includes(name)) }
}

/**
 * Runs all pending migrations in one transaction.
 * @throws TroupeError STORE_MIGRATION_FAILED with `details`, the database then being as it was; STORE_BUSY.
 */
export async function migrateUp(em: SqlEntityManager, details: MigrationDetails): Promise<void> {
  try {
    await new Migrator(em).up()
  } catch (cause) {
    const error = fromDriverError(cause)
    if (error instanceof TroupeError && error.code === 'STORE_BUSY') throw error
    const kept =
      details.backup === undefined ? 'Nothing was changed.' : `Nothing was changed; a copy is in ${details.backup}.`
    const reason = cause instanceof Error ? cause.message : String(cause)
    const text = `The database could not be migrated (${details.pending.join(', ')}): ${reason}. ${kept} Start the Troupe that wrote it, and report this.`
    throw new TroupeError('STORE_MIGRATION_FAILED', text, { ...details }, cause)
  }
}
