/**
 * One host per data directory. Owns: an exclusive lock on the file `host.lock`.
 *
 * 1. The kernel holds the lock (SQLite's own on a file that stays empty) and frees it when the process ends, however it
 *    ends: a lock is never stale, and no process id has to be believed.
 * 2. Nothing else may open `host.lock`: closing any descriptor of it in the holder's process would free the lock (POSIX).
 * 3. A person can remove the file under a live host, and a new one is free: so nobody who takes it may listen already.
 */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { TroupeError, fail } from '../core/base/errors.ts'
import { sleep } from '../core/base/waiting.ts'
import { isListening } from '../core/rpc/server/unix-socket.ts'
import type { DataDirectory } from './data-directory.ts'
import { readHostFile } from './host-file.ts'

const SQLITE_BUSY = 5
/** `isHostLockHeld` of another process holds the lock for an instant; that must not look like a host. */
const TRIES = 5
const BETWEEN_TRIES_MS = 40

/**
 * Takes the data directory for this process until disposed.
 * @throws TroupeError HOST_ALREADY_RUNNING, which names the other host; DATA_DIR_UNUSABLE
 */
export async function acquireHostLock(directory: DataDirectory): Promise<Disposable> {
  for (let tries = 1; ; tries++) {
    const lock = tryLock(directory)
    if (lock && !(await isListening(directory.socket))) return lock // 3
    lock?.[Symbol.dispose]()
    if (tries === TRIES) return refuse(directory)
    await sleep(BETWEEN_TRIES_MS)
  }
}

/** True while a process holds the data directory. */
export function isHostLockHeld(directory: DataDirectory): boolean {
  const lock = tryLock(directory)
  lock?.[Symbol.dispose]()
  return lock === undefined
}

function tryLock(directory: DataDirectory): Disposable | undefined {
  let database: DatabaseSync | undefined
  try {
    // SQLite would make the file readable by others. Before it is open here, closing it is harmless.
    if (!held.has(directory.lock)) closeSync(openSync(directory.lock, 'a', 0o600))
    database = new DatabaseSync(directory.lock, { timeout: 0 })
    database.exec('BEGIN EXCLUSIVE')
    return hold(directory.lock, database)
  } catch (error) {
    database?.close()
    if (isBusy(error)) return undefined
    throw new TroupeError(
      'DATA_DIR_UNUSABLE',
      `${directory.lock} cannot be locked: ${error instanceof Error ? error.message : String(error)}. ` +
        'The data directory must be on a local disk that can be written (TROUPE_HOME or --home names it).',
      { path: directory.lock },
      error,
    )
  }
}

/** Lock files of this process. */
const held = new Set<string>()

function hold(path: string, database: DatabaseSync): Disposable {
  held.add(path)
  return {
    [Symbol.dispose]() {
      if (!held.delete(path)) return
      database.close()
    },
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error &&
  'errcode' in error &&
  typeof error.errcode === 'number' &&
  (error.errcode & 0xff) === SQLITE_BUSY

function refuse(directory: DataDirectory): never {
  const host = readHostFile(directory)
  const who = host
    ? `Troupe (pid ${host.pid}${host.url ? `, ${host.url}` : ''}, started ${host.startedAt})`
    : 'Another Troupe process that is just starting or ending'
  const next = host ? `End it first (kill ${host.pid}), or` : 'Try again in a moment, or'
  fail(
    'HOST_ALREADY_RUNNING',
    `${who} holds ${directory.root}. ${next} use another data directory (TROUPE_HOME or --home).`,
    {
      root: directory.root,
      ...(host && { pid: host.pid, startedAt: host.startedAt, ...(host.url && { url: host.url }) }),
    },
  )
}
