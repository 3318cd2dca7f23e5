/** Opens the database: the one place that knows which driver there is. */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { MigrateUp } from './migration-run.ts'
import type { NamedMigration } from './migration-state.ts'
import type { Store, StoreOptions } from './store.ts'

export interface StoreDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** In place of the program's own migrations; for tests of migrating. */
  readonly migrations?: readonly NamedMigration[]
  /** Default: in this process, which then keeps what it took. */
  readonly migrateUp?: MigrateUp
}

/**
 * Opens, makes or migrates the database. An older SQLite file is copied to `<file>.backup-<version>` first.
 * @throws TroupeError STORE_FAILED, STORE_BUSY, STORE_CORRUPT, STORE_NEWER, STORE_MIGRATION_FAILED.
 * @example
 * await using store = await openStore({ driver: 'sqlite', file }, { clock: systemClock, logger })
 */
export async function openStore(options: StoreOptions, deps: StoreDeps): Promise<Store> {
  // Loaded on demand: each driver costs tens of milliseconds, and a host uses one.
  if (options.driver === 'sqlite') {
    const { openSqliteStore } = await import('./sqlite-store.ts')
    return openSqliteStore(options, deps)
  }
  const { openPostgresStore } = await import('./postgres-store.ts')
  return openPostgresStore(options.url, deps)
}
