/**
 * What a start does about sessions that an earlier host left: their processes are gone, so each is lost, its log says
 * so, and its task goes on (E4). A session whose `startSession` effect is still pending has not begun and is left to it.
 */
import type { Clock } from '../base/clock.ts'
import type { ErrorEnvelope } from '../base/errors.ts'
import type { AgentSession } from '../contract/records.ts'
import type { SessionLog } from '../log/types.ts'
import { pendingEffects } from '../store/effects.ts'
import { liveSessions } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import type { Engine } from './engine.ts'

const HOST_DIED: ErrorEnvelope = {
  code: 'SESSION_LOST',
  message: 'The host ended while the agent worked, and the agent with it. The task goes on in a new session.',
}

export interface RecoveryDeps {
  readonly store: Store
  readonly log: Pick<SessionLog, 'append' | 'close'>
  readonly engine: Pick<Engine, 'tell'>
  readonly clock: Clock
}

async function lose({ log, engine, clock }: RecoveryDeps, session: AgentSession): Promise<void> {
  const { id: sessionId, lastSeq } = session
  const json = JSON.stringify({ type: 'error', ...HOST_DIED, retryable: true })
  await log.append({ sessionId, firstSeq: lastSeq + 1, at: clock.now(), drafts: [{ type: 'error', json }] })
  await engine.tell(sessionId, { type: 'ended', outcome: 'lost', error: HOST_DIED })
  log.close(sessionId)
}

/** Call before the engine recovers, once nothing of the earlier host runs any more. */
export async function recoverSessions(deps: RecoveryDeps): Promise<void> {
  const { sessions, pending } = await deps.store.read(async (tx) => ({
    sessions: await liveSessions(tx),
    pending: await pendingEffects(tx),
  }))
  const begins = new Set(pending.filter(({ type }) => type === 'startSession').map(({ actorId }) => actorId))
  for (const session of sessions) if (!begins.has(session.id)) await lose(deps, session)
}
