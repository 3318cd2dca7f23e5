/** Runs migrations. Only imported when some are pending: nothing else at run time needs MikroORM. */
import { Migrator } from '@mikro-orm/migrations'
import { type MigrationObject, MikroORM, NodeSqliteDialect, type SqlEntityManager, SqliteDriver } from '@mikro-orm/sql'
import { TroupeError } from '../base/errors.ts'
import { fromDriverError } from './driver-errors.ts'
import { MIGRATION_TABLE, type NamedMigration } from './migration-state.ts'

/** Where the database is: it is migrated on a connection of its own. */
export type MigrationTarget =
  | { readonly driver: 'sqlite'; readonly file: string; readonly busyTimeoutMs: number }
  | { readonly driver: 'postgresql'; readonly url: string; readonly options: object }

export interface MigrationDetails {
  readonly pending: readonly string[]
  readonly file?: string
  /** Where the copy is that was made before. */
  readonly backup?: string
}

export interface MigrationRun {
  readonly target: MigrationTarget
  /** All of the program, not only those that are pending. */
  readonly migrations: readonly NamedMigration[]
  readonly details: MigrationDetails
}

/**
 * Runs all pending migrations in one transaction.
 * @throws TroupeError STORE_MIGRATION_FAILED with `details`, the database then being as it was; STORE_BUSY.
 */
export async function migrateUp({ target, migrations, details }: MigrationRun): Promise<void> {
  try {
    await using orm = await openOrm(target, await loadAll(migrations))
    await new Migrator(orm.em).up()
  } catch (cause) {
    throw toMigrationError(cause, details)
  }
}

/** A list of classes, not a folder: it works compiled and packed too. */
const loadAll = (migrations: readonly NamedMigration[]): Promise<MigrationObject[]> =>
  Promise.all(migrations.map(async ({ name, load }) => ({ name, class: await load() })))

interface OpenOrm extends AsyncDisposable {
  readonly em: SqlEntityManager
}

async function openOrm(target: MigrationTarget, migrationsList: MigrationObject[]): Promise<OpenOrm> {
  const shared = {
    entities: [],
    discovery: { warnWhenNoEntities: false },
    migrations: {
      migrationsList,
      tableName: MIGRATION_TABLE,
      snapshot: false,
      // On PostgreSQL this would need a superuser.
      disableForeignKeys: false,
      allOrNothing: true,
      silent: true,
    },
  }
  if (target.driver === 'postgresql') {
    const { MikroORM: PostgresOrm } = await import('@mikro-orm/postgresql')
    return new PostgresOrm({ ...shared, clientUrl: target.url, ensureDatabase: false, driverOptions: target.options })
  }
  const { file } = target
  const orm = new MikroORM({
    ...shared,
    driver: SqliteDriver,
    dbName: file,
    ensureDatabase: false,
    driverOptions: new NodeSqliteDialect(file),
  })
  await orm.connect()
  await orm.em.execute(`pragma busy_timeout = ${target.busyTimeoutMs}`)
  return orm
}

function toMigrationError(cause: unknown, details: MigrationDetails): TroupeError {
  const error = fromDriverError(cause)
  if (error instanceof TroupeError && error.code === 'STORE_BUSY') return error
  const kept =
    details.backup === undefined ? 'Nothing was changed.' : `Nothing was changed; a copy is in ${details.backup}.`
  const reason = cause instanceof Error ? cause.message : String(cause)
  const text = `The database could not be migrated (${details.pending.join(', ')}): ${reason}. ${kept} Start the Troupe that wrote it, and report this.`
  return new TroupeError('STORE_MIGRATION_FAILED', text, { ...details }, cause)
}
