/** All migrations for PostgreSQL, oldest first. A name is never changed: databases remember it. */
import type { NamedMigration } from '../../migrator.ts'
import { Initial } from './0001-initial.ts'
import { Engines } from './0002-engines.ts'
import { Retention } from './0003-retention.ts'

export const postgresMigrations: readonly NamedMigration[] = [
  { name: '0001-initial', class: Initial },
  { name: '0002-engines', class: Engines },
  { name: '0003-retention', class: Retention },
]
