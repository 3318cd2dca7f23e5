/**
 * What a start does about sessions that an earlier host left: their processes are gone, so each is lost, its log says
 * so, and its task goes on (E4). A session whose closing message is in the log ended as was stored with it. One whose
 * `startSession` effect is still pending has not begun and is left to it.
 */
import type { Clock } from '../base/clock.ts'
import type { ErrorEnvelope } from '../base/errors.ts'
import type { MessageBody } from '../contract/messages.ts'
import type { AgentSession } from '../contract/records.ts'
import type { SessionLog } from '../log/types.ts'
import type { ActorEvent } from '../machines/effects.ts'
import { pendingEffects } from '../store/effects.ts'
import { getProgress } from '../store/progress.ts'
import { getSessionStart, liveSessions } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import type { Engine } from './engine.ts'
import { loadPlace } from './places.ts'
import type { SessionEnded } from './ports.ts'

const HOST_DIED: ErrorEnvelope = {
  code: 'SESSION_LOST',
  message: 'The host ended while the agent worked, and the agent with it. The task goes on in a new session.',
}
const LOST: SessionEnded = { ended: { type: 'ended', outcome: 'lost', error: HOST_DIED } }

export interface RecoveryDeps {
  readonly store: Store
  readonly log: Pick<SessionLog, 'append' | 'close'>
  readonly engine: Pick<Engine, 'tell'>
  readonly clock: Clock
  /** False: a session that has not begun does not begin now, it is lost too and its task queued again. */
  readonly startsSessions: boolean
}

/** The end that was stored with the closing message. */
async function storedEnd(store: Store, sessionId: string): Promise<ActorEvent | undefined> {
  const progress = await store.read((tx) => getProgress(tx, sessionId))
  const { ended } = JSON.parse(progress ?? '{}') as { ended?: ActorEvent }
  return ended
}

/** Every log begins with its start and its prompt, also that of a session that was lost before it could say anything. */
async function opening(store: Store, session: AgentSession): Promise<MessageBody[]> {
  if (session.lastSeq > 0) return []
  const { worktreePath, repositoryPath } = await loadPlace(store, session.unitTaskId)
  const start = await store.read((tx) => getSessionStart(tx, session.id))
  return [
    { type: 'start', agent: session.agent, workDir: worktreePath ?? repositoryPath },
    { type: 'userMessage', content: start?.prompt ?? '' },
  ]
}

async function endInLog({ store, log, clock }: RecoveryDeps, session: AgentSession): Promise<ActorEvent> {
  const closing: MessageBody = { type: 'error', ...HOST_DIED, retryable: true }
  const bodies = [...(await opening(store, session)), closing]
  const drafts = bodies.map((body) => ({ type: body.type, json: JSON.stringify(body) }))
  const { id: sessionId, lastSeq } = session
  await log.append({ sessionId, firstSeq: lastSeq + 1, at: clock.now(), drafts, progress: JSON.stringify(LOST) })
  return { ...LOST.ended }
}

/** Call before the engine recovers, once nothing of the earlier host runs any more. */
export async function recoverSessions(deps: RecoveryDeps): Promise<void> {
  const { store, log, engine, startsSessions } = deps
  const { sessions, pending } = await store.read(async (tx) => ({
    sessions: await liveSessions(tx),
    pending: await pendingEffects(tx),
  }))
  const begins = pending.filter(({ type }) => startsSessions && type === 'startSession').map(({ actorId }) => actorId)
  for (const session of sessions) {
    if (begins.includes(session.id)) continue
    const ended = (await storedEnd(store, session.id)) ?? (await endInLog(deps, session))
    await engine.tell(session.id, ended)
    log.close(session.id)
  }
}
