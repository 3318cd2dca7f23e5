/** All migrations for PostgreSQL, oldest first. A name is never changed: databases remember it. */
import type { NamedMigration } from '../../migration-state.ts'

export const postgresMigrations: readonly NamedMigration[] = [
  { name: '0001-initial', url: new URL('./0001-initial.ts', import.meta.url).href },
  { name: '0002-engines', url: new URL('./0002-engines.ts', import.meta.url).href },
  { name: '0003-retention', url: new URL('./0003-retention.ts', import.meta.url).href },
  { name: '0004-comparisons', url: new URL('./0004-comparisons.ts', import.meta.url).href },
]
