/**
 * The store on PostgreSQL. Several servers may share one database.
 *
 * Owns a pool of connections, of which a transaction has one to itself and a read takes any, and the connection on which
 * it hears of other servers.
 */
import { MikroORM } from '@mikro-orm/postgresql'
import type { Clock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import { mapped } from './driver-errors.ts'
import { entities } from './entities/all.ts'
import { migrateUp, migrationState, migratorOptions } from './migrator.ts'
import type { StoreDeps } from './open-store.ts'
import { makePostgresNotices, type PostgresNotices, type PostgresPool } from './postgres-notices.ts'
import { makePostgresTx } from './postgres-tx.ts'
import type { Store } from './store.ts'
import type { Tx } from './tx.ts'

/** Every wait of a statement has a bound. */
const BOUNDS = {
  connectionTimeoutMillis: 10_000,
  lock_timeout: 5000,
  statement_timeout: 60_000,
  idle_in_transaction_session_timeout: 60_000,
  keepAlive: true,
}

/** Any number that nobody else takes. */
const MIGRATION_LOCK = 7_870_001
const MIGRATION_BOUND_MS = 60_000

/** @throws TroupeError STORE_FAILED, STORE_BUSY, STORE_NEWER, STORE_MIGRATION_FAILED. */
export async function openPostgresStore(url: string, deps: StoreDeps): Promise<Store> {
  const migrations = migratorOptions('postgresql', deps)
  const driverOptions = { ...BOUNDS, application_name: 'troupe' }
  // A database that is missing is a wrong address, not a wish for a new one.
  const orm = new MikroORM({ entities, clientUrl: url, ensureDatabase: false, driverOptions, migrations })
  await using opening = new AsyncDisposableStack()
  opening.defer(() => orm.close())
  await mapped(orm.connect())
  await mapped(orm.em.fork().execute('select 1'))
  await migratePostgres(orm, deps)
  // pg brings no types; PostgresPool says what is used of it.
  const pool: PostgresPool = await orm.em.getConnection().getNativeClient()
  const notices = opening.use(makePostgresNotices(pool, deps.logger))
  return makeStore({ orm, notices, resources: opening.move() }, deps.clock)
}

interface Opened {
  readonly orm: MikroORM
  readonly notices: PostgresNotices
  readonly resources: AsyncDisposable
}

function makeStore({ orm, notices, resources }: Opened, clock: Clock): Store {
  let closed = false
  const fork = () => (closed ? fail('STORE_FAILED', 'The database is closed: Troupe is shutting down.') : orm.em.fork())
  return {
    driver: 'postgresql',
    async transaction(work) {
      return mapped(fork().transactional((em) => work(makePostgresTx(em, clock, notices))))
    },
    async read(work) {
      return mapped(work(makePostgresTx(fork(), clock, notices)))
    },
    onAnnounce: (topic, listener) => notices.listen(topic, listener),
    async check() {
      await mapped(fork().execute('select 1'))
    },
    usedBytes: () => mapped(bytesOfMessages(makePostgresTx(fork(), clock, notices))),
    shrink: async () => false,
    async [Symbol.asyncDispose]() {
      if (closed) return
      closed = true
      await resources[Symbol.asyncDispose]()
    },
  }
}

/** A walk in slices: what PostgreSQL knows of its files does not fall when rows are deleted. Sizes load no bodies. */
async function bytesOfMessages(tx: Tx): Promise<number> {
  const sql = `select max(id) as last, sum(octet_length(body) + 200) as bytes
    from (select id, body from message where id > ? order by id limit 20000) slice`
  let bytes = 0
  for (let after: number | undefined = 0; after !== undefined;) {
    const row: { last: string | null; bytes: string | null } | undefined = await tx.get(sql, [after])
    bytes += Number(row?.bytes ?? 0)
    after = row?.last ? Number(row.last) : undefined
  }
  return bytes
}

/** Looks and migrates under one lock, so that servers which start together do it one after the other. */
async function migratePostgres(orm: MikroORM, deps: StoreDeps): Promise<void> {
  await orm.em.fork().transactional(async (em) => {
    await mapped(em.execute(`set local lock_timeout = ${MIGRATION_BOUND_MS}`))
    await mapped(em.execute('select pg_advisory_xact_lock(?)', [MIGRATION_LOCK]))
    const { pending } = await mapped(migrationState(orm.em, 'postgresql', deps))
    if (pending.length === 0) return
    await migrateUp(orm.em, { pending })
    deps.logger.info({ migrations: pending }, 'The database was migrated.')
  })
}
