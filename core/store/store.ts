/** The database of Troupe, whichever it is. `open-store.ts` makes it. */
import type { DriverName, Tx } from './tx.ts'

export type StoreOptions =
  | {
      readonly driver: 'sqlite'
      readonly file: string
      /** How long a statement waits for another process that holds the database; default 5,000. */
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
  /** @throws TroupeError STORE_CORRUPT when the database fails its integrity check. */
  check(): Promise<void>
}
