/** The Tx of SQLite: statements straight on the connection. */
import type { SQLInputValue } from 'node:sqlite'
import type { Clock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import type { SqliteConnection, SqliteStatement } from './sqlite-connection.ts'
import type { EndingTx, SqlValue, Tx } from './tx.ts'

export function makeSqliteTx(connection: SqliteConnection, clock: Clock): EndingTx {
  let ended = false
  const statement = (sql: string): SqliteStatement =>
    ended ? fail('INTERNAL', 'A statement came after the end of its transaction.') : connection.prepare(sql)
  const all = async <Row>(sql: string, parameters: readonly SqlValue[] = []) =>
    statement(sql).all<Row>(parameters.map(toNative))
  const tx: Tx = {
    driver: 'sqlite',
    clock,
    all,
    get: async <Row>(sql: string, parameters?: readonly SqlValue[]) => (await all<Row>(sql, parameters))[0],
    run: async (sql, parameters = []) => statement(sql).run(parameters.map(toNative)),
    announce: async () => {},
  }
  return { tx, end: () => void (ended = true) }
}

function toNative(value: SqlValue): SQLInputValue {
  if (typeof value === 'boolean') return Number(value)
  if (typeof value !== 'object' || value === null) return value
  return fail('INTERNAL', 'SQLite takes no list as a parameter: use listParameter.')
}
