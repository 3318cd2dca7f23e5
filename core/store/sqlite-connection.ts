/** One connection to an SQLite file, with its prepared statements. */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { fail } from '../base/errors.ts'
import { mapped } from './driver-errors.ts'

export interface SqliteStatement {
  /** The caller knows from the SQL what its rows are. */
  all<Row>(parameters?: readonly SQLInputValue[]): Row[]
  /** Gives the number of rows that it changed. */
  run(parameters?: readonly SQLInputValue[]): number
}

export interface SqliteConnection extends Disposable {
  readonly native: DatabaseSync
  /** Each text is prepared once. */
  prepare(sql: string): SqliteStatement
}

export interface ConnectOptions {
  readonly readOnly?: boolean
  /** How long a statement holds the thread while another program holds the file, in milliseconds. */
  readonly timeout: number
}

/** @throws what the driver throws. */
export function connectSqlite(file: string, options: ConnectOptions): SqliteConnection {
  const native = new DatabaseSync(file, options)
  // SQLite's own lower case knows only ASCII.
  native.function('unicode_lower', { deterministic: true }, (value) =>
    typeof value === 'string' ? value.toLowerCase() : value,
  )
  return { native, prepare: makePrepare(native), [Symbol.dispose]: () => native.close() }
}

/** More than the program has; filters of lists make a few forms each. */
const MOST_STATEMENTS = 500

function makePrepare(native: DatabaseSync): SqliteConnection['prepare'] {
  const statements = new Map<string, SqliteStatement>()
  return (sql) => {
    const known = statements.get(sql)
    if (known) return known
    if (statements.size >= MOST_STATEMENTS) statements.clear()
    const statement = toStatement(native.prepare(sql))
    statements.set(sql, statement)
    return statement
  }
}

function toStatement(statement: StatementSync): SqliteStatement {
  function all<Row>(parameters?: readonly SQLInputValue[]): Row[]
  function all(parameters: readonly SQLInputValue[] = []): unknown[] {
    return statement.all(...parameters)
  }
  return { all, run: (parameters = []) => Number(statement.run(...parameters).changes) }
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
  const found = native.prepare(`pragma ${pragma}(${MOST_FAULTS})`).all()
  const faults = found.flatMap((row) => Object.values(row).map(String)).filter((text) => text !== 'ok')
  if (faults.length === 0) return
  const text = `The database is damaged: ${faults.join('; ')}. Put back a copy of it, or move it away to begin anew.`
  fail('STORE_CORRUPT', text, { faults })
}

/**
 * Checks a file from a program that is not its host; reads only.
 * @throws TroupeError STORE_CORRUPT, STORE_BUSY, STORE_FAILED
 */
export const checkSqliteFile = (file: string): Promise<void> =>
  mapped(
    Promise.try(() => {
      using connection = connectSqlite(file, { readOnly: true, timeout: CHECK_TIMEOUT_MS })
      assertSound(connection, 'quick')
    }),
  )
