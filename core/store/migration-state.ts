/** Which migrations there are and which a database has: read by plain SQL, because most starts have none to run. */
import { fail } from '../base/errors.ts'
import { postgresMigrations } from './migrations/postgres/list.ts'
import { sqliteMigrations } from './migrations/sqlite/list.ts'
import type { StoreDeps } from './open-store.ts'
import type { DriverName, Tx } from './tx.ts'

/** The name is what the database remembers; it sorts by age. */
export interface NamedMigration {
  readonly name: string
  /** Of the module whose one export is its class. Loaded when it is run: it brings MikroORM with it. */
  readonly url: string
}

export interface MigrationState {
  readonly executed: readonly string[]
  readonly pending: readonly string[]
}

export const MIGRATION_TABLE = 'migration'

const OWN = { sqlite: sqliteMigrations, postgresql: postgresMigrations }

export const knownMigrations = (driver: DriverName, deps: Pick<StoreDeps, 'migrations'>): readonly NamedMigration[] =>
  deps.migrations ?? OWN[driver]

/** @throws TroupeError STORE_NEWER when the database has a migration that this program does not know. */
export async function migrationState(tx: Tx, deps: Pick<StoreDeps, 'migrations'>): Promise<MigrationState> {
  const executed = await executedMigrations(tx)
  const known = knownMigrations(tx.driver, deps).map(({ name }) => name)
  const unknown = executed.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    const text = `The database was written by a newer Troupe: this program does not know its migration ${unknown.join(', ')}. Upgrade Troupe, or use another data directory.`
    fail('STORE_NEWER', text, { unknown })
  }
  return { executed, pending: known.filter((name) => !executed.includes(name)) }
}

const TABLE_EXISTS = {
  sqlite: `select 1 as found from sqlite_schema where type = 'table' and name = ?`,
  postgresql: 'select 1 as found where to_regclass(?) is not null',
}

async function executedMigrations(tx: Tx): Promise<string[]> {
  if ((await tx.get(TABLE_EXISTS[tx.driver], [MIGRATION_TABLE])) === undefined) return []
  const rows = await tx.all<{ name: string }>(`select name from ${MIGRATION_TABLE} order by id`)
  return rows.map(({ name }) => name)
}
