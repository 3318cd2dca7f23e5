/**
 * Gives the runner a session as its rows have it: to begin, or to go on with where an earlier host left it (E4).
 *
 * Owns the take-ups under way: one at a time of each session, so that none begins it from rows read before it had ended.
 */
import { type ErrorEnvelope, toEnvelope, TroupeError } from '../base/errors.ts'
import type { AgentSession } from '../contract/records.ts'
import { sessionOutcome } from '../contract/statuses.ts'
import { getProgress } from '../store/progress.ts'
import { getSession } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import type { Engine } from './engine.ts'
import type { SessionEnded, SessionRunner, SessionSpec } from './ports.ts'
import { readSpec } from './session-specs.ts'

export interface TakeUpDeps {
  readonly store: Store
  readonly runner: Pick<SessionRunner, 'start'>
  readonly tell: Engine['tell']
}

/**
 * Settles when the runner has the session, or needs none: one that is over is left alone, and one whose closing message is
 * in the log ends as was stored with it. What cannot be begun ends at once.
 * @throws TroupeError STORE_..., ABORTED: the session is as it was, and can be taken up again.
 */
export type TakeUp = (sessionId: string) => Promise<void>

export function makeTakeUp(deps: TakeUpDeps): TakeUp {
  const underWay = new Map<string, Promise<void>>()
  return (sessionId) => {
    const known = underWay.get(sessionId)
    if (known) return known
    const taken = takeUp(deps, sessionId).finally(() => underWay.delete(sessionId))
    underWay.set(sessionId, taken)
    return taken
  }
}

export const isOver = ({ status }: AgentSession): boolean => sessionOutcome.safeParse(status).success

async function takeUp({ store, runner, tell }: TakeUpDeps, sessionId: string): Promise<void> {
  const session = await store.read((tx) => getSession(tx, sessionId))
  if (!session || isOver(session)) return
  const ended = await begin({ store, runner }, session).catch((error: unknown): SessionEnded => {
    if (isPassing(error)) throw error
    return { ended: unusable(toEnvelope(error)) }
  })
  for (const { id, report } of ended?.reports ?? []) await tell(sessionId, { ...report }, id)
  if (ended) await tell(sessionId, { ...ended.ended })
}

/** How it has ended; nothing when it is with the runner. */
async function begin(
  { store, runner }: Pick<TakeUpDeps, 'store' | 'runner'>,
  session: AgentSession,
): Promise<SessionEnded | undefined> {
  const spec = await store.read((tx) => readSpec(tx, session))
  const ended = storedEnd(spec)
  if (!ended) await runner.start(spec)
  return ended
}

/** @throws SyntaxError for progress that no runner has written. */
export function storedEnd({ progress = '{}' }: Pick<SessionSpec, 'progress'>): SessionEnded | undefined {
  const { ended, reports, taken }: Partial<SessionEnded> = JSON.parse(progress)
  return ended && { ended, reports, taken }
}

/** Whether a session that is over took the message before its end, though nobody may know it any more. */
export async function wasTaken(store: Store, sessionId: string, messageId: string): Promise<boolean> {
  const progress = await store.read((tx) => getProgress(tx, sessionId))
  try {
    return storedEnd({ progress })?.taken === messageId
  } catch {
    return false // rather heard twice than never
  }
}

/** The database may be well again in a moment, and another host begins what this one cannot because it stops. */
const isPassing = (error: unknown): boolean =>
  error instanceof TroupeError && ['STORE_BUSY', 'STORE_FAILED', 'ABORTED'].includes(error.code)

/** For example when its repository is not known any more. */
const unusable = (error: ErrorEnvelope): SessionEnded['ended'] => ({ type: 'ended', outcome: 'failed', error })
