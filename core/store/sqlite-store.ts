/**
 * The store on SQLite.
 *
 * Owns two connections to one file: one that writes, one that only reads.
 * - Q1 Transactions take turns at the writing connection, each BEGIN IMMEDIATE, so that none meets SQLITE_BUSY halfway.
 * - Q2 Reads outside of a transaction go to the other connection: they see what is committed and wait for nobody.
 * - Q3 A commit is on the disk (synchronous=FULL) before its promise settles.
 * The entity manager of a transaction begins none of its own: its statements fall into the one that is open.
 */
import { closeSync, openSync } from 'node:fs'
import { MikroORM } from '@mikro-orm/sqlite'
import { fail, TroupeError } from '../base/errors.ts'
import { mapped } from './driver-errors.ts'
import { entities } from './entities/all.ts'
import { migrateSqlite } from './migrate-sqlite.ts'
import { migratorOptions } from './migrator.ts'
import type { StoreDeps } from './open-store.ts'
import { makeSqliteTx, type NativeSqlite, type SqliteConnection, toSqliteConnection } from './sqlite-tx.ts'
import type { Store, StoreOptions } from './store.ts'
import { makeTurns } from './turns.ts'
import type { Tx } from './tx.ts'

const BUSY_TIMEOUT_MS = 5000

type SqliteOptions = StoreOptions & { readonly driver: 'sqlite' }

interface Opened extends SqliteConnection {
  readonly orm: MikroORM
}

/** @throws TroupeError STORE_FAILED, STORE_BUSY, STORE_CORRUPT, STORE_NEWER, STORE_MIGRATION_FAILED. */
export async function openSqliteStore(options: SqliteOptions, deps: StoreDeps): Promise<Store> {
  const { file, busyTimeoutMs: timeout = BUSY_TIMEOUT_MS } = options
  await mapped(createPrivately(file))
  await using opening = new AsyncDisposableStack()
  const writer = await mapped(openWriter(file, { timeout }, deps))
  opening.defer(() => writer.orm.close())
  await migrateSqlite({ ...writer, file }, deps)
  const reader = await mapped(connect(file, { readonly: true, timeout }, deps))
  opening.defer(() => reader.orm.close())
  return makeStore({ writer, reader, resources: opening.move() }, deps)
}

/** The file and what SQLite puts beside it (it copies the mode) are for their owner only. */
async function createPrivately(file: string): Promise<void> {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) {
      throw new TroupeError('STORE_FAILED', `The database ${file} cannot be made: ${String(error)}.`, { file }, error)
    }
  }
}

async function openWriter(file: string, driverOptions: object, deps: StoreDeps): Promise<Opened> {
  const writer = await connect(file, driverOptions, deps)
  try {
    writer.native.pragma('journal_mode = wal')
    writer.native.pragma('synchronous = full')
    writer.native.pragma('foreign_keys = on')
    return writer
  } catch (error) {
    await writer.orm.close()
    throw error
  }
}

async function connect(file: string, driverOptions: object, deps: StoreDeps): Promise<Opened> {
  const migrations = migratorOptions('sqlite', deps)
  const orm = new MikroORM({ entities, dbName: file, driverOptions, implicitTransactions: false, migrations })
  await orm.connect()
  // better-sqlite3 brings no types; NativeSqlite says what is used of it.
  const native: NativeSqlite = await orm.em.getConnection().getNativeClient()
  return { orm, ...toSqliteConnection(native) }
}

interface Connections {
  readonly writer: Opened
  readonly reader: Opened
  readonly resources: AsyncDisposable
}

function makeStore({ writer, reader, resources }: Connections, deps: StoreDeps): Store {
  const turns = makeTurns()
  let closed = false
  const assertOpen = (): void => {
    if (closed) fail('STORE_FAILED', 'The database is closed: Troupe is shutting down.')
  }

  async function inTransaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    writer.prepare('begin immediate').run()
    const { tx, end } = makeSqliteTx(writer, writer.orm.em.fork(), deps.clock)
    try {
      const result = await work(tx)
      writer.prepare('commit').run()
      return result
    } catch (error) {
      // Some failures of SQLite (a full disk) have rolled back already.
      if (writer.native.inTransaction) writer.prepare('rollback').run()
      throw error
    } finally {
      end()
    }
  }

  async function outside<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const { tx, end } = makeSqliteTx(reader, reader.orm.em.fork(), deps.clock)
    try {
      return await work(tx)
    } finally {
      end()
    }
  }

  return {
    driver: 'sqlite',
    async transaction(work) {
      assertOpen()
      return mapped(turns.run(() => inTransaction(work)))
    },
    async read(work) {
      assertOpen()
      return mapped(outside(work))
    },
    async check() {
      assertOpen()
      await mapped(checkIntegrity(reader))
    },
    async [Symbol.asyncDispose]() {
      if (closed) return
      closed = true
      await turns.idle()
      await resources[Symbol.asyncDispose]()
    },
  }
}

async function checkIntegrity({ native }: SqliteConnection): Promise<void> {
  const found = native.prepare('pragma integrity_check(10)').all<{ integrity_check: string }>()
  const faults = found.map((row) => row.integrity_check).filter((text) => text !== 'ok')
  if (faults.length > 0) {
    const text = `The database is damaged: ${faults.join('; ')}. Put back a copy of it, or move it away to begin anew.`
    fail('STORE_CORRUPT', text, { faults })
  }
}
