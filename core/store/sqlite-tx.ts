/** The Tx of SQLite: statements straight on the connection. */
import type { Clock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import type { NativeStatement, SqliteConnection } from './sqlite-connection.ts'
import type { SqlValue, Tx } from './tx.ts'

/** A Tx that refuses to be used when it has ended: a forgotten `await` would else write outside of its transaction. */
export interface EndingTx {
  readonly tx: Tx
  readonly end: () => void
}

export function makeSqliteTx(connection: SqliteConnection, clock: Clock): EndingTx {
  let ended = false
  const statement = (sql: string): NativeStatement =>
    ended ? fail('INTERNAL', 'A statement came after the end of its transaction.') : connection.prepare(sql)
  const all = async <Row>(sql: string, parameters: readonly SqlValue[] = []) =>
    statement(sql).all<Row>(...parameters.map(toNative))
  const tx: Tx = {
    driver: 'sqlite',
    clock,
    em: connection.orm.em.fork(),
    all,
    get: async <Row>(sql: string, parameters?: readonly SqlValue[]) => (await all<Row>(sql, parameters))[0],
    run: async (sql, parameters = []) => statement(sql).run(...parameters.map(toNative)).changes,
    announce: async () => {},
  }
  return { tx, end: () => void (ended = true) }
}

const toNative = (value: SqlValue): unknown => (typeof value === 'boolean' ? Number(value) : value)
