/**
 * One run of retention: the logs that the policy no longer keeps leave the database.
 *
 * - R1 Only tasks that are done or rejected lose their logs; one that failed or was stopped may be retried, and its log
 *   says why. A session's record stays, and its sequence numbers with it.
 * - R2 A log is noted as archived when its file is complete, on the disk and was read back; only then its rows go. A crash
 *   before the note leaves the log here, one after it leaves rows that the next run deletes.
 * - R3 One log that cannot be archived stays, and keeps no other (`left-logs.ts`).
 * - R4 No transaction is long: rows go in slices, and others come in between.
 */
import { setImmediate as otherWork } from 'node:timers/promises'
import { type Clock, toIso } from '../base/clock.ts'
import { lastSeq } from '../store/messages.ts'
import {
  deleteFirstMessages,
  insertRetiredLog,
  isRetirable,
  nextToClear,
  retirableSessions,
} from '../store/retired-logs.ts'
import type { Store } from '../store/store.ts'
import type { Archive } from './archive.ts'
import type { LeftLogs } from './left-logs.ts'

export interface RetentionPolicy {
  readonly mode: 'archive' | 'drop'
  /** How long a finished task rests before its logs go; 0 is for ever. */
  readonly afterMs: number
  /** The logs that rest longest go while the database uses more than this; 0 is no bound. */
  readonly maxBytes: number
}

export interface RetentionResult {
  readonly archived: number
  readonly dropped: number
  /** Bytes that the database uses afterwards. */
  readonly usedBytes: number
}

export interface RetireDeps {
  readonly store: Store
  readonly archive: Archive
  readonly clock: Clock
  /** It has begun a run. */
  readonly left: LeftLogs
}

const SLICE_ROWS = 1000
/** Candidates asked for at a time. */
const CANDIDATES = 100

/** @throws TroupeError ABORTED, STORE_..., LOG_ARCHIVE */
export async function retireLogs(
  deps: RetireDeps,
  policy: RetentionPolicy,
  signal: AbortSignal,
): Promise<RetentionResult> {
  const { store, archive, clock } = deps
  signal.throwIfAborted()
  await archive.clean()
  const cleared = await clearRetired(store, signal)
  const dueBefore = clock.now() - policy.afterMs
  const byAge = policy.afterMs > 0 ? await retireWhile(deps, { signal, dueBefore, policy, more: async () => true }) : 0
  const isOver = async () => (await store.usedBytes()) > policy.maxBytes
  const bySize =
    policy.maxBytes > 0 ? await retireWhile(deps, { signal, dueBefore: clock.now(), policy, more: isOver }) : 0
  const retired = byAge + bySize
  if (retired + cleared > 0) await shrink(store, signal)
  const [archived, dropped] = policy.mode === 'archive' ? [retired, 0] : [0, retired]
  return { archived, dropped, usedBytes: await store.usedBytes() }
}

interface Round {
  readonly signal: AbortSignal
  readonly policy: RetentionPolicy
  /** Milliseconds since 1970. */
  readonly dueBefore: number
  readonly more: () => Promise<boolean>
}

/** Gives how many logs went. */
async function retireWhile(deps: RetireDeps, round: Round): Promise<number> {
  let retired = 0
  for (;;) {
    const selection = { changedBefore: toIso(round.dueBefore), except: deps.left.resting(), limit: CANDIDATES }
    const candidates = await deps.store.read((tx) => retirableSessions(tx, selection))
    const before = retired
    for (const sessionId of candidates) {
      if (!(await round.more())) return retired
      if (await retireOrLeave(deps, sessionId, round)) retired += 1
    }
    // Those that could not go would be offered again.
    if (retired === before) return retired
  }
}

// R3
async function retireOrLeave(deps: RetireDeps, sessionId: string, round: Round): Promise<boolean> {
  try {
    const retired = await retire(deps, sessionId, round)
    deps.left.archived(sessionId)
    return retired
  } catch (error) {
    deps.left.leave(sessionId, error)
    return false
  }
}

/** R2. Gives false when the session was taken up again, or deleted, in between. */
async function retire({ store, archive }: RetireDeps, sessionId: string, { signal, policy }: Round): Promise<boolean> {
  signal.throwIfAborted()
  const log =
    policy.mode === 'archive'
      ? await archive.write(store, sessionId, signal)
      : { blocks: undefined, lastSeq: await store.read((tx) => lastSeq(tx, sessionId)) }
  const noted = await store.transaction(async (tx) => {
    if (!(await isRetirable(tx, sessionId))) return false
    const blocks = log.blocks === undefined ? null : JSON.stringify(log.blocks)
    const fate = log.blocks === undefined ? 'dropped' : 'archived'
    await insertRetiredLog(tx, sessionId, { fate, lastSeq: log.lastSeq, blocks })
    return true
  })
  if (noted) await clear(store, sessionId, signal)
  else await archive.remove(sessionId)
  return noted
}

/** What an earlier run had no time for. */
async function clearRetired(store: Store, signal: AbortSignal): Promise<number> {
  for (let cleared = 0; ; cleared += 1) {
    const sessionId = await store.read(nextToClear)
    if (sessionId === undefined) return cleared
    await clear(store, sessionId, signal)
  }
}

// R4
async function clear(store: Store, sessionId: string, signal: AbortSignal): Promise<void> {
  for (let deleted = 1; deleted > 0;) {
    signal.throwIfAborted()
    deleted = await store.transaction((tx) => deleteFirstMessages(tx, sessionId, SLICE_ROWS))
    await otherWork()
  }
}

async function shrink(store: Store, signal: AbortSignal): Promise<void> {
  while (await store.shrink()) {
    signal.throwIfAborted()
    await otherWork()
  }
}
