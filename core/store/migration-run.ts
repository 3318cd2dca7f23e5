/** One migration of a database to what the program knows: what it is told, and how it fails. */
import { TroupeError } from '../base/errors.ts'
import { fromDriverError } from './driver-errors.ts'
import type { NamedMigration } from './migration-state.ts'

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

/** JSON, so that another process can do it. */
export interface MigrationRun {
  readonly target: MigrationTarget
  /** All of the program, not only those that are pending. */
  readonly migrations: readonly NamedMigration[]
  readonly details: MigrationDetails
}

/**
 * Runs all pending migrations in one transaction.
 * @throws TroupeError STORE_MIGRATION_FAILED with the details, the database then being as it was; STORE_BUSY.
 */
export type MigrateUp = (run: MigrationRun) => Promise<void>

export function toMigrationError(cause: unknown, details: MigrationDetails): TroupeError {
  const error = fromDriverError(cause)
  if (error instanceof TroupeError && error.code === 'STORE_BUSY') return error
  const kept =
    details.backup === undefined ? 'Nothing was changed.' : `Nothing was changed; a copy is in ${details.backup}.`
  const reason = cause instanceof Error ? cause.message : String(cause)
  const text = `The database could not be migrated (${details.pending.join(', ')}): ${reason}. ${kept} Start the Troupe that wrote it, and report this.`
  return new TroupeError('STORE_MIGRATION_FAILED', text, { ...details }, cause)
}
