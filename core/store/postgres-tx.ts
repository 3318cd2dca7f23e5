/** The Tx of PostgreSQL: statements with their parameters beside them, on the transaction of the entity manager. */
import type { SqlEntityManager } from '@mikro-orm/sql'
import type { Clock } from '../base/clock.ts'
import { toPlainText } from './json-text.ts'
import type { PostgresNotices } from './postgres-notices.ts'
import type { SqlValue, Tx } from './tx.ts'

export function makePostgresTx(em: SqlEntityManager, clock: Clock, notices: PostgresNotices): Tx {
  const execute = <Row>(sql: string, parameters: readonly SqlValue[] = []) =>
    em.getKysely().executeQuery<Row>(toQuery(sql, parameters))
  const tx: Tx = {
    driver: 'postgresql',
    clock,
    em,
    announce: (topic, text) => notices.announce(tx, topic, text),
    all: async <Row>(sql: string, parameters?: readonly SqlValue[]) => (await execute<Row>(sql, parameters)).rows,
    get: async <Row>(sql: string, parameters?: readonly SqlValue[]) => (await execute<Row>(sql, parameters)).rows[0],
    run: async (sql, parameters) => Number((await execute(sql, parameters)).numAffectedRows ?? 0),
  }
  return tx
}

/** MikroORM's own `execute` would write the parameters into the text; this is the form that keeps them apart. */
function toQuery(sql: string, parameters: readonly SqlValue[]) {
  const numbered = numberedText(sql)
  return {
    sql: numbered,
    parameters: parameters.map(toNative),
    query: { kind: 'RawNode' as const, sqlFragments: [numbered], parameters: [] },
    queryId: { queryId: 'troupe' },
  }
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
