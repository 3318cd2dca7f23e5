/**
 * What a start does about sessions that an earlier host left (E4): one whose closing message is in the log ends as was
 * stored with it; the others go to the runner, which goes on with those that can be, and loses the rest.
 *
 * A host serves meanwhile. What people ask of a session before its turn is committed like everything else, and the effect
 * that brings it to the session takes that up first.
 */
import { setImmediate } from 'node:timers/promises'
import { backoffMs } from '../base/backoff.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { Logger } from '../base/logger.ts'
import { sleep } from '../base/waiting.ts'
import { liveProgress } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import type { Engine } from './engine.ts'
import type { LeftSession, SessionRunner } from './ports.ts'
import { storedEnd, type TakeUp } from './take-up.ts'

const RETRY = { firstMs: 100, maxMs: 30_000 }

export interface RecoveryDeps {
  readonly store: Store
  readonly logger: Logger
  readonly engine: Pick<Engine, 'recover'>
  readonly runner: Pick<SessionRunner, 'recover'>
  readonly takeUp: TakeUp
  /** False: sessions at work are left alone, for a host that starts sessions. */
  readonly startsSessions: boolean
}

/** The rest of a recovery. Settles when all is taken up, or given up. Never rejects. */
export type TakeUpAll = (signal: AbortSignal) => Promise<void>

/**
 * Looks what there is, and has the runner clear what belongs to none of it. To be called before any effect can run.
 * @throws TroupeError STORE_...
 */
export async function beginRecovery(deps: RecoveryDeps): Promise<TakeUpAll> {
  const left = await deps.store.read((tx) => liveProgress(tx))
  const { ended = [], live = [] } = Object.groupBy(left, (one) => (goesOn(one) ? 'live' : 'ended'))
  if (deps.startsSessions) deps.runner.recover(live)
  return async (signal) => {
    // First of all: a deadline must not end a session that has ended well.
    await takeUpEach(deps, ended, signal)
    faultPoint('recovery.ends-told')
    await persist(deps, () => deps.engine.recover(), signal)
    if (deps.startsSessions) await takeUpEach(deps, live, signal)
  }
}

/** Progress that cannot be read is an end: whoever takes the session up says so. */
function goesOn(left: LeftSession): boolean {
  try {
    return storedEnd(left) === undefined
  } catch {
    return false
  }
}

async function takeUpEach(deps: RecoveryDeps, sessions: readonly LeftSession[], signal: AbortSignal): Promise<void> {
  for (const { sessionId } of sessions) {
    await setImmediate() // a turn of the event loop for each: clients are served in between
    await persist(deps, () => deps.takeUp(sessionId), signal)
    faultPoint('recovery.session-taken-up')
  }
}

/** Tries until it works or the host ends: the next one finds all as it is. */
async function persist({ logger }: RecoveryDeps, work: () => Promise<void>, signal: AbortSignal): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      logger.warn({ err: error, attempt }, 'What an earlier host left could not be taken up; it is tried again.')
      await sleep(backoffMs(RETRY, attempt), signal).catch(() => {})
    }
  }
}
