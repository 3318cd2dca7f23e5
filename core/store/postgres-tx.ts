/** The Tx of PostgreSQL: statements with their parameters beside them, on one connection or on any of a pool. */
import type { Queryable } from 'pg'
import type { Clock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import { toPlainText } from './json-text.ts'
import type { PostgresNotices } from './postgres-notices.ts'
import type { EndingTx, SqlValue, Tx } from './tx.ts'

export interface PostgresTxDeps {
  readonly clock: Clock
  /** None while migrating. */
  readonly notices?: Pick<PostgresNotices, 'announce'>
}

export function makePostgresTx(connection: Queryable, { clock, notices }: PostgresTxDeps): EndingTx {
  let ended = false
  const execute = async <Row>(sql: string, parameters: readonly SqlValue[] = []) =>
    ended
      ? fail('INTERNAL', 'A statement came after the end of its transaction.')
      : connection.query<Row>(numberedText(sql), parameters.map(toNative))
  const tx: Tx = {
    driver: 'postgresql',
    clock,
    announce: async (topic, text) => notices?.announce(tx, topic, text),
    all: async <Row>(sql: string, parameters?: readonly SqlValue[]) => (await execute<Row>(sql, parameters)).rows,
    get: async <Row>(sql: string, parameters?: readonly SqlValue[]) => (await execute<Row>(sql, parameters)).rows[0],
    run: async (sql, parameters) => (await execute(sql, parameters)).rowCount ?? 0,
  }
  return { tx, end: () => void (ended = true) }
}

const numberedTexts = new Map<string, string>()
const MOST_TEXTS = 500

/** `?` becomes `$1`, `$2`, ... No statement of the store has a question mark for anything else. */
function numberedText(sql: string): string {
  const known = numberedTexts.get(sql)
  if (known !== undefined) return known
  let count = 0
  const numbered = sql.replaceAll('?', () => `$${(count += 1)}`)
  if (numberedTexts.size >= MOST_TEXTS) numberedTexts.clear()
  numberedTexts.set(sql, numbered)
  return numbered
}

/** PostgreSQL's `text` has no NUL character. */
function toNative(value: SqlValue): SqlValue {
  if (typeof value === 'string') return value.includes('\0') ? toPlainText(value) : value
  return Array.isArray(value) ? value.map(toNative) : value
}
