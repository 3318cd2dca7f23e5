/**
 * The store on SQLite.
 *
 * Owns two connections to one file: one that writes, one that only reads.
 * - Q1 Transactions take turns at the writing connection, each BEGIN IMMEDIATE, so that none meets SQLITE_BUSY halfway.
 * - Q2 Reads outside of a transaction go to the other connection: they see what is committed and wait for nobody.
 * - Q3 A commit is on the disk (synchronous=FULL) before its promise settles.
 * - Q4 While another program holds the file, transactions wait without holding the thread.
 */
import { closeSync, openSync } from 'node:fs'
import { fail, TroupeError } from '../base/errors.ts'
import { mapped } from './driver-errors.ts'
import { migrateSqlite } from './migrate-sqlite.ts'
import type { StoreDeps } from './open-store.ts'
import { assertSound, connectSqlite, type SqliteConnection } from './sqlite-connection.ts'
import { freePages, prepareWriter, rebuildIfOld, usedBytes } from './sqlite-form.ts'
import { whenFree } from './sqlite-lock.ts'
import { makeSqliteTx } from './sqlite-tx.ts'
import { keepDamagedWal } from './sqlite-wal.ts'
import type { Store, StoreOptions } from './store.ts'
import { makeTurns } from './turns.ts'
import type { Tx } from './tx.ts'

const BUSY_TIMEOUT_MS = 5000
/** For a reader that comes while another program mends the file after a crash. */
const READ_TIMEOUT_MS = 100

type SqliteOptions = StoreOptions & { readonly driver: 'sqlite' }

/** @throws TroupeError STORE_FAILED, STORE_BUSY, STORE_CORRUPT, STORE_NEWER, STORE_MIGRATION_FAILED. */
export async function openSqliteStore(options: SqliteOptions, deps: StoreDeps): Promise<Store> {
  const { file, busyTimeoutMs = BUSY_TIMEOUT_MS } = options
  await mapped(createPrivately(file))
  keepDamagedWal(file, deps)
  await using opening = new AsyncDisposableStack()
  const writer = opening.use(await mapped(Promise.try(() => openWriter(file, busyTimeoutMs))))
  await migrateSqlite({ writer, file, busyTimeoutMs }, deps)
  await mapped(Promise.try(() => rebuildIfOld({ ...writer, file }, deps.logger)))
  const reader = opening.use(await mapped(Promise.try(() => openReader(file))))
  // Q4: nothing else was at work until here.
  writer.native.exec('pragma busy_timeout = 0')
  return makeStore({ writer, reader, busyTimeoutMs, resources: opening.move() }, deps)
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

function openWriter(file: string, timeout: number): SqliteConnection {
  const writer = connectSqlite(file, { timeout })
  try {
    prepareWriter(writer.native)
    return writer
  } catch (error) {
    writer[Symbol.dispose]()
    throw error
  }
}

const openReader = (file: string): SqliteConnection => connectSqlite(file, { readOnly: true, timeout: READ_TIMEOUT_MS })

interface Connections {
  readonly writer: SqliteConnection
  readonly reader: SqliteConnection
  readonly busyTimeoutMs: number
  readonly resources: AsyncDisposable
}

function makeStore({ writer, reader, busyTimeoutMs, resources }: Connections, deps: StoreDeps): Store {
  const turns = makeTurns()
  let closed = false
  const assertOpen = (): void => {
    if (closed) fail('STORE_FAILED', 'The database is closed: Troupe is shutting down.')
  }

  async function inTransaction<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    await whenFree(busyTimeoutMs, () => writer.prepare('begin immediate').run())
    const { tx, end } = makeSqliteTx(writer, deps.clock)
    try {
      const result = await work(tx)
      writer.prepare('commit').run()
      return result
    } catch (error) {
      // Some failures of SQLite (a full disk) have rolled back already.
      if (writer.native.isTransaction) writer.prepare('rollback').run()
      throw error
    } finally {
      end()
    }
  }

  async function outside<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const { tx, end } = makeSqliteTx(reader, deps.clock)
    try {
      return await work(tx)
    } finally {
      end()
    }
  }

  const onReader = <T>(work: (reader: SqliteConnection) => T): Promise<T> => {
    assertOpen()
    return mapped(Promise.try(() => work(reader)))
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
    onAnnounce: () => ({ [Symbol.dispose]() {} }),
    check: async () => onReader((connection) => assertSound(connection, 'full')),
    usedBytes: async () => onReader(({ native }) => usedBytes(native)),
    async shrink() {
      assertOpen()
      return mapped(turns.run(() => whenFree(busyTimeoutMs, () => freePages(writer.native))))
    },
    async [Symbol.asyncDispose]() {
      if (closed) return
      closed = true
      await turns.idle()
      await resources[Symbol.asyncDispose]()
    },
  }
}
