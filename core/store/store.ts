/** The database of Troupe, whichever it is. `open-store.ts` makes it. */
import type { DriverName, Topic, Tx } from './tx.ts'

export type StoreOptions =
  | {
      readonly driver: 'sqlite'
      readonly file: string
      /** How long a transaction waits for another program that holds the database; default 5,000. */
      readonly busyTimeoutMs?: number
    }
  | { readonly driver: 'postgresql'; readonly url: string }

export interface Store extends AsyncDisposable {
  readonly driver: DriverName
  /**
   * Runs `work` in one transaction: committed when its promise settles well, rolled back and rethrown when not. On
   * SQLite transactions take turns, so `work` waits for nothing but the database and opens no transaction itself.
   * @throws TroupeError STORE_BUSY, STORE_FAILED, STORE_CORRUPT, or CONFLICT when a row breaks a key.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Runs reads outside of a transaction: each statement sees what is committed and waits for no transaction. */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /**
   * Calls `listener` with each text that another server announced on the topic. Texts can be lost with a connection:
   * then it is called without one when there is a connection again, and reads anew. Never called on SQLite.
   */
  onAnnounce(topic: Topic, listener: (text: string | undefined) => void): Disposable
  /** @throws TroupeError STORE_CORRUPT when the database fails its integrity check. */
  check(): Promise<void>
  /** Bytes that rows and indexes take; what is free inside of the file does not count. */
  usedBytes(): Promise<number>
  /**
   * Gives a slice of what is free to the file system; false when nothing was left. PostgreSQL keeps its files, and
   * fills again what autovacuum finds free.
   */
  shrink(): Promise<boolean>
}
