/** One connection to an SQLite file, with its prepared statements and the entity manager that shares it. */
import { MikroORM } from '@mikro-orm/sqlite'
import { fail } from '../base/errors.ts'
import { mapped } from './driver-errors.ts'
import { entities } from './entities/all.ts'
import { migratorOptions } from './migrator.ts'
import type { StoreDeps } from './open-store.ts'

/** What is used of a better-sqlite3 connection. */
export interface NativeSqlite {
  readonly inTransaction: boolean
  prepare(sql: string): NativeStatement
  exec(sql: string): void
  pragma(source: string, options?: { simple: boolean }): unknown
  function(name: string, options: { deterministic: boolean }, call: (value: unknown) => unknown): void
}

export interface NativeStatement {
  /** The caller knows from the SQL what its rows are. */
  all<Row>(...parameters: readonly unknown[]): Row[]
  run(...parameters: readonly unknown[]): { changes: number }
}

export interface SqliteConnection {
  readonly orm: MikroORM
  readonly native: NativeSqlite
  /** Each text is prepared once. */
  prepare(sql: string): NativeStatement
}

export interface ConnectOptions {
  readonly readonly?: boolean
  /** How long a statement holds the thread while another program holds the file. */
  readonly timeout: number
}

/** @throws what the driver throws. */
export async function connectSqlite(
  file: string,
  driverOptions: ConnectOptions,
  deps?: Pick<StoreDeps, 'migrations'>,
): Promise<SqliteConnection> {
  const migrations = migratorOptions('sqlite', deps)
  const orm = new MikroORM({ entities, dbName: file, driverOptions, implicitTransactions: false, migrations })
  await orm.connect()
  // better-sqlite3 brings no types; NativeSqlite says what is used of it.
  const native: NativeSqlite = await orm.em.getConnection().getNativeClient()
  // SQLite's own lower case knows only ASCII.
  native.function('unicode_lower', { deterministic: true }, (value) =>
    typeof value === 'string' ? value.toLowerCase() : value,
  )
  return { orm, native, prepare: makePrepare(native) }
}

/** More than the program has; filters of lists make a few forms each. */
const MOST_STATEMENTS = 500

function makePrepare(native: NativeSqlite): SqliteConnection['prepare'] {
  const statements = new Map<string, NativeStatement>()
  return (sql) => {
    const known = statements.get(sql)
    if (known) return known
    if (statements.size >= MOST_STATEMENTS) statements.clear()
    const statement = native.prepare(sql)
    statements.set(sql, statement)
    return statement
  }
}

const MOST_FAULTS = 10
const CHECK_TIMEOUT_MS = 5000

/**
 * Looks for damage; holds the thread as long as it takes to read the file.
 * @param depth `quick` leaves out whether indexes and tables agree, and is several times faster
 * @throws TroupeError STORE_CORRUPT
 */
export function assertSound({ native }: Pick<SqliteConnection, 'native'>, depth: 'quick' | 'full'): void {
  const pragma = depth === 'quick' ? 'quick_check' : 'integrity_check'
  const found = native.prepare(`pragma ${pragma}(${MOST_FAULTS})`).all<Record<string, string>>()
  const faults = found.flatMap((row) => Object.values(row)).filter((text) => text !== 'ok')
  if (faults.length === 0) return
  const text = `The database is damaged: ${faults.join('; ')}. Put back a copy of it, or move it away to begin anew.`
  fail('STORE_CORRUPT', text, { faults })
}

/**
 * Checks a file from a program that is not its host; reads only.
 * @throws TroupeError STORE_CORRUPT, STORE_BUSY, STORE_FAILED
 */
export async function checkSqliteFile(file: string): Promise<void> {
  const connection = await mapped(connectSqlite(file, { readonly: true, timeout: CHECK_TIMEOUT_MS }))
  try {
    await mapped(Promise.try(() => assertSound(connection, 'quick')))
  } finally {
    await connection.orm.close()
  }
}
