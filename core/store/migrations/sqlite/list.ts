/** All migrations for SQLite, oldest first. A name is never changed: databases remember it. */
import type { NamedMigration } from '../../migrator.ts'
import { Initial } from './0001-initial.ts'

export const sqliteMigrations: readonly NamedMigration[] = [{ name: '0001-initial', class: Initial }]
