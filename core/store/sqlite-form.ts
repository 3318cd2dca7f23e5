/**
 * The form of an SQLite file: what is settled when it is made, and only a rebuild changes.
 *
 * Small pages, because a commit writes whole pages and most commits of a log are small: in batches of 20 messages of
 * 200 bytes, 2 KiB pages write 9 to 10 bytes for each byte logged, 4 KiB pages 12 to 14. Incremental vacuum, because
 * without it a file never shrinks.
 */
import type { DatabaseSync } from 'node:sqlite'
import type { Logger } from '../base/logger.ts'

const PAGE_BYTES = 2048
const INCREMENTAL = 2

/** Pages of the write-ahead log after which a commit moves them to the file, 8 MB; a moment's pause grows with it. */
const CHECKPOINT_PAGES = 4000
/** What is left of a write-ahead log that had to grow, while another program was reading. */
const LARGEST_RESTING_WAL = 2 * CHECKPOINT_PAGES * PAGE_BYTES

/** Sets what a connection that writes needs; the file of a new database gets its form. */
export function prepareWriter(native: DatabaseSync): void {
  if (numberOf(native, 'page_count') === 0) setForm(native)
  native.exec(`
    pragma journal_mode = wal;
    pragma synchronous = full;
    pragma foreign_keys = on;
    pragma wal_autocheckpoint = ${CHECKPOINT_PAGES};
    pragma journal_size_limit = ${LARGEST_RESTING_WAL}`)
}

/** Gives an older file the form of new ones, once. A crash meanwhile leaves it as it was. */
export function rebuildIfOld({ native, file }: { native: DatabaseSync; file: string }, logger: Logger): void {
  if (numberOf(native, 'auto_vacuum') === INCREMENTAL && numberOf(native, 'page_size') === PAGE_BYTES) return
  try {
    // Under a write-ahead log the size of pages cannot change.
    native.exec('pragma journal_mode = delete')
    setForm(native)
    native.exec('vacuum')
    logger.info({ file }, 'The database file was rebuilt with the form that new ones have.')
  } catch (error) {
    logger.warn(
      { err: error, file },
      'The database file could not be rebuilt, so it will not shrink. It works as before.',
    )
  } finally {
    native.exec('pragma journal_mode = wal')
  }
}

function setForm(native: DatabaseSync): void {
  native.exec(`pragma page_size = ${PAGE_BYTES}; pragma auto_vacuum = ${INCREMENTAL}`)
}

const FREED_PAGES = 500

/** Bytes of the pages in use. */
export const usedBytes = (native: DatabaseSync): number =>
  (numberOf(native, 'page_count') - numberOf(native, 'freelist_count')) * numberOf(native, 'page_size')

/** Gives up to a megabyte of free pages back to the file system; false when none was left. */
export function freePages(native: DatabaseSync): boolean {
  const free = numberOf(native, 'freelist_count')
  if (free === 0 || numberOf(native, 'auto_vacuum') !== INCREMENTAL) return false
  native.exec(`pragma incremental_vacuum(${FREED_PAGES})`)
  if (free > FREED_PAGES) return true
  // The file itself is cut by a checkpoint.
  native.exec('pragma wal_checkpoint(truncate)')
  return false
}

const numberOf = (native: DatabaseSync, pragma: string): number =>
  Number(Object.values(native.prepare(`pragma ${pragma}`).get() ?? {})[0])
