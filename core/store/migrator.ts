/** Runs migrations. Only imported when some are pending: nothing else at run time needs MikroORM. */
import { type Migration, Migrator } from '@mikro-orm/migrations'
import {
  type Constructor,
  type MigrationObject,
  MikroORM,
  NodeSqliteDialect,
  type SqlEntityManager,
  SqliteDriver,
} from '@mikro-orm/sql'
import { fail } from '../base/errors.ts'
import { type MigrateUp, type MigrationTarget, toMigrationError } from './migration-run.ts'
import { MIGRATION_TABLE, type NamedMigration } from './migration-state.ts'

export const migrateUp: MigrateUp = async ({ target, migrations, details }) => {
  try {
    await using orm = await openOrm(target, await loadAll(migrations))
    await new Migrator(orm.em).up()
  } catch (cause) {
    throw toMigrationError(cause, details)
  }
}

/** A list of classes, not a folder: it works compiled and packed too. */
const loadAll = (migrations: readonly NamedMigration[]): Promise<MigrationObject[]> =>
  Promise.all(migrations.map(async ({ name, url }) => ({ name, class: await loadClass(url) })))

async function loadClass(url: string): Promise<Constructor<Migration>> {
  const module: Readonly<Record<string, Constructor<Migration>>> = await import(url)
  return Object.values(module)[0] ?? fail('INTERNAL', `The migration ${url} has no class.`)
}

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
