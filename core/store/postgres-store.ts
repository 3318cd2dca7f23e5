/**
 * The store on PostgreSQL. Several servers may share one database.
 *
 * Owns a pool of connections, of which a transaction has one to itself and a read takes any, and the connection on which
 * it hears of other servers.
 */
import type { Pool } from 'pg'
import type { Clock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import { mapped } from './driver-errors.ts'
import { migratePostgres } from './migrate-postgres.ts'
import type { StoreDeps } from './open-store.ts'
import { makePostgresNotices, type PostgresNotices } from './postgres-notices.ts'
import { clientOptions, inTransaction, openPool } from './postgres-pool.ts'
import { makePostgresTx } from './postgres-tx.ts'
import type { Store } from './store.ts'
import type { EndingTx, Tx } from './tx.ts'

/** @throws TroupeError STORE_FAILED, STORE_BUSY, STORE_NEWER, STORE_MIGRATION_FAILED. */
export async function openPostgresStore(url: string, deps: StoreDeps): Promise<Store> {
  await using opening = new AsyncDisposableStack()
  const options = clientOptions(url)
  const pool = opening.adopt(openPool(options, deps.logger), (open) => open.end())
  await mapped(migratePostgres({ pool, url }, deps))
  const notices = opening.use(makePostgresNotices(options, deps.logger))
  return makeStore({ pool, notices, resources: opening.move() }, deps.clock)
}

interface Opened {
  readonly pool: Pool
  readonly notices: PostgresNotices
  readonly resources: AsyncDisposable
}

function makeStore({ pool, notices, resources }: Opened, clock: Clock): Store {
  let closed = false
  const opened = (): Pool => (closed ? fail('STORE_FAILED', 'The database is closed: Troupe is shutting down.') : pool)
  const read = <T>(work: (tx: Tx) => Promise<T>): Promise<T> =>
    mapped(untilEnd(makePostgresTx(opened(), { clock, notices }), work))
  return {
    driver: 'postgresql',
    async transaction(work) {
      return mapped(inTransaction(opened(), (client) => untilEnd(makePostgresTx(client, { clock, notices }), work)))
    },
    read: async (work) => read(work),
    onAnnounce: (topic, listener) => notices.listen(topic, listener),
    async check() {
      await read((tx) => tx.get('select 1'))
    },
    usedBytes: async () => read(bytesOfMessages),
    shrink: async () => false,
    async [Symbol.asyncDispose]() {
      if (closed) return
      closed = true
      await resources[Symbol.asyncDispose]()
    },
  }
}

async function untilEnd<T>({ tx, end }: EndingTx, work: (tx: Tx) => Promise<T>): Promise<T> {
  try {
    return await work(tx)
  } finally {
    end()
  }
}

/** A walk in slices: what PostgreSQL knows of its files does not fall when rows are deleted. Sizes load no bodies. */
async function bytesOfMessages(tx: Tx): Promise<number> {
  const sql = `select max(id) as last, sum(octet_length(body) + 200) as bytes
    from (select id, body from message where id > ? order by id limit 20000) slice`
  let bytes = 0
  for (let after: number | undefined = 0; after !== undefined;) {
    const row: { last: number | null; bytes: string | null } | undefined = await tx.get(sql, [after])
    bytes += Number(row?.bytes ?? 0)
    after = row?.last ?? undefined
  }
  return bytes
}
