/** All migrations for SQLite, oldest first. A name is never changed: databases remember it. */
import type { NamedMigration } from '../../migration-state.ts'

export const sqliteMigrations: readonly NamedMigration[] = [
  { name: '0001-initial', load: async () => (await import('./0001-initial.ts')).Initial },
  { name: '0002-engines', load: async () => (await import('./0002-engines.ts')).Engines },
  { name: '0003-retention', load: async () => (await import('./0003-retention.ts')).Retention },
  { name: '0004-comparisons', load: async () => (await import('./0004-comparisons.ts')).Comparisons },
]
