/** The Tx of SQLite: statements straight on the connection, prepared once. */
import type { SqlEntityManager } from '@mikro-orm/sql'
import type { Clock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import type { SqlValue, Tx } from './tx.ts'

/** What is used of a better-sqlite3 connection. */
export interface NativeSqlite {
  readonly inTransaction: boolean
  prepare(sql: string): NativeStatement
  exec(sql: string): void
  pragma(source: string): unknown
  function(name: string, options: { deterministic: boolean }, call: (value: unknown) => unknown): void
}

interface NativeStatement {
  /** The caller knows from the SQL what its rows are. */
  all<Row>(...parameters: readonly unknown[]): Row[]
  run(...parameters: readonly unknown[]): { changes: number }
}

/** More than the program has; filters of lists make a few forms each. */
const MOST_STATEMENTS = 500

/** A connection with its prepared statements. */
export interface SqliteConnection {
  readonly native: NativeSqlite
  prepare(sql: string): NativeStatement
}

export function toSqliteConnection(native: NativeSqlite): SqliteConnection {
  const statements = new Map<string, NativeStatement>()
  native.function('unicode_lower', { deterministic: true }, (value) =>
    typeof value === 'string' ? value.toLowerCase() : value,
  )
  return {
    native,
    prepare(sql) {
      const known = statements.get(sql)
      if (known) return known
      if (statements.size >= MOST_STATEMENTS) statements.clear()
      const statement = native.prepare(sql)
      statements.set(sql, statement)
      return statement
    },
  }
}

/** A Tx that refuses to be used when it has ended: a forgotten `await` would else write outside of its transaction. */
export interface EndingTx {
  readonly tx: Tx
  readonly end: () => void
}

export function makeSqliteTx(connection: SqliteConnection, em: SqlEntityManager, clock: Clock): EndingTx {
  let ended = false
  const statement = (sql: string): NativeStatement =>
    ended ? fail('INTERNAL', 'A statement came after the end of its transaction.') : connection.prepare(sql)
  const tx: Tx = {
    driver: 'sqlite',
    clock,
    em,
    all: async <Row>(sql: string, parameters: readonly SqlValue[] = []) =>
      statement(sql).all<Row>(...parameters.map(toNative)),
    get: async <Row>(sql: string, parameters: readonly SqlValue[] = []) =>
      statement(sql).all<Row>(...parameters.map(toNative))[0],
    run: async (sql, parameters = []) => statement(sql).run(...parameters.map(toNative)).changes,
  }
  return { tx, end: () => void (ended = true) }
}

const toNative = (value: SqlValue): unknown => (typeof value === 'boolean' ? Number(value) : value)
