/** The connections to a PostgreSQL database: their options, the form of what they read, and transactions on one. */
import { type ClientOptions, Pool, type PoolClient, types } from 'pg'
import { fail } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'

/** Every wait of a statement has a bound. */
export const POSTGRES_BOUNDS = {
  application_name: 'troupe',
  connectionTimeoutMillis: 10_000,
  lock_timeout: 5000,
  statement_timeout: 60_000,
  // For a server that is gone without a word: longer than it may take itself.
  query_timeout: 65_000,
  idle_in_transaction_session_timeout: 60_000,
  keepAlive: true,
}

/** By the number of the type: `int8` and `timestamptz`, read as the program has them on SQLite too. */
const PARSERS: Readonly<Record<number, (text: string) => unknown>> = {
  20: Number,
  1184: (text) => new Date(text).toISOString(),
}

export const clientOptions = (url: string): ClientOptions => ({
  ...POSTGRES_BOUNDS,
  connectionString: url,
  types: { getTypeParser: (oid, format) => PARSERS[oid] ?? types.getTypeParser(oid, format) },
})

/** Connections are made as they are needed, at most 10, and closed when they are idle. */
export function openPool(options: ClientOptions, logger: Logger): Pool {
  const pool = new Pool(options)
  // The statement that runs is rejected too; without a listener the loss would end the process.
  const onLost = (error: Error): void => logger.warn({ err: error }, 'A connection to the database was lost.')
  pool.on('error', onLost)
  pool.on('connect', (client) => void client.on('error', onLost))
  return pool
}

/** Runs `work` in a transaction on a connection of its own. */
export async function inTransaction<T>(pool: Pool, work: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await pool.connect()
  let reusable = false
  try {
    await client.query('begin')
    const result = await work(client)
    await commit(client)
    reusable = true
    return result
  } catch (error) {
    reusable = await client.query('rollback').then(
      () => true,
      () => false,
    )
    throw error
  } finally {
    client.release(!reusable)
  }
}

/** A transaction in which a statement failed answers `commit` with a rollback, and no error. */
async function commit(client: PoolClient): Promise<void> {
  const { command } = await client.query('commit')
  if (command !== 'COMMIT') fail('INTERNAL', 'A transaction went on after one of its statements had failed.')
}
