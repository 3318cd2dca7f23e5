/** Brings a PostgreSQL database up to date. */
import type { Pool } from 'pg'
import { mapped } from './driver-errors.ts'
import { knownMigrations, migrationState } from './migration-state.ts'
import type { StoreDeps } from './open-store.ts'
import { inTransaction, POSTGRES_BOUNDS } from './postgres-pool.ts'
import { makePostgresTx } from './postgres-tx.ts'

/** Any number that nobody else takes. */
const MIGRATION_LOCK = 7_870_001
const MIGRATION_BOUND_MS = 60_000

/**
 * Looks and migrates under one lock, so that servers which start together do it one after the other.
 * @throws TroupeError STORE_NEWER; STORE_MIGRATION_FAILED, the database then being as it was.
 */
export function migratePostgres({ pool, url }: { pool: Pool; url: string }, deps: StoreDeps): Promise<void> {
  return inTransaction(pool, async (client) => {
    await mapped(client.query(`set local lock_timeout = ${MIGRATION_BOUND_MS}`))
    await mapped(client.query('select pg_advisory_xact_lock($1)', [MIGRATION_LOCK]))
    const { tx } = makePostgresTx(client, { clock: deps.clock })
    const { pending } = await mapped(migrationState(tx, deps))
    if (pending.length === 0) return
    const migrateUp = deps.migrateUp ?? (await import('./migrator.ts')).migrateUp
    await migrateUp({
      target: { driver: 'postgresql', url, options: POSTGRES_BOUNDS },
      migrations: knownMigrations('postgresql', deps),
      details: { pending },
    })
    deps.logger.info({ migrations: pending }, 'The database was migrated.')
  })
}
