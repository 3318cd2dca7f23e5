/** What a query function works with: one transaction, or reads outside of any. */
import type { Clock } from '../base/clock.ts'

export type DriverName = 'sqlite' | 'postgresql'

/** What a parameter of a statement may be. Lists travel as JSON text on SQLite and as arrays on PostgreSQL. */
export type SqlValue = string | number | bigint | boolean | null | readonly SqlValue[]

/** What servers that share a database tell each other about: "there is more to read". */
export type Topic = 'change' | 'effects' | 'log'

export interface Tx {
  readonly driver: DriverName
  /** Stamps `created_at` and `updated_at`. */
  readonly clock: Clock
  /** Runs one statement, its parameters written as `?` on both databases, and gives its rows. */
  all<Row>(sql: string, parameters?: readonly SqlValue[]): Promise<Row[]>
  get<Row>(sql: string, parameters?: readonly SqlValue[]): Promise<Row | undefined>
  /** Gives the number of rows that the statement changed. */
  run(sql: string, parameters?: readonly SqlValue[]): Promise<number>
  /** Tells the other servers on the database, once this transaction is committed; nothing on SQLite, where there are none. */
  announce(topic: Topic, text: string): Promise<void>
}

/**
 * A Tx that refuses to be used when it has ended: a forgotten `await` would else write outside of its transaction, or in
 * the next one on its connection.
 */
export interface EndingTx {
  readonly tx: Tx
  readonly end: () => void
}
