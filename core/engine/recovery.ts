/**
 * What a start does about sessions that an earlier host left (E4): one whose closing message is in the log ended as was
 * stored with it; the others go to the runner, which goes on with those that can be, and loses the rest.
 */
import { type ErrorEnvelope, toEnvelope } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import type { AgentSession } from '../contract/records.ts'
import type { ActorEvent } from '../machines/effects.ts'
import { liveSessions } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import type { Tx } from '../store/tx.ts'
import type { Engine } from './engine.ts'
import type { SessionRunner, SessionSpec } from './ports.ts'
import { readSpec } from './session-specs.ts'

export interface RecoveryDeps {
  readonly store: Store
  readonly engine: Pick<Engine, 'tell'>
  readonly runner: Pick<SessionRunner, 'recover'>
  /** False: sessions at work are left alone, for a host that starts sessions. */
  readonly startsSessions: boolean
}

type Left =
  | { readonly kind: 'ended'; readonly sessionId: string; readonly event: ActorEvent }
  | { readonly kind: 'live'; readonly spec: SessionSpec }

/** Call before the engine recovers, so that its effects find the sessions with the runner. */
export async function recoverSessions({ store, engine, runner, startsSessions }: RecoveryDeps): Promise<void> {
  const left = await store.read(async (tx) => {
    const sessions = await liveSessions(tx)
    return Promise.all(sessions.map((session) => readLeft(tx, session)))
  })
  await Promise.all(
    left.map(async (one) => {
      if (one.kind === 'ended') await engine.tell(one.sessionId, one.event)
    }),
  )
  faultPoint('recovery.ends-told')
  if (startsSessions) runner.recover(left.flatMap((one) => (one.kind === 'live' ? [one.spec] : [])))
}

async function readLeft(tx: Tx, session: AgentSession): Promise<Left> {
  try {
    const spec = await readSpec(tx, session)
    const { ended }: { ended?: ActorEvent } = JSON.parse(spec.progress ?? '{}')
    return ended ? { kind: 'ended', sessionId: session.id, event: ended } : { kind: 'live', spec }
  } catch (error) {
    return { kind: 'ended', sessionId: session.id, event: unusable(toEnvelope(error)) }
  }
}

/** For example when its repository is not known any more. */
const unusable = (error: ErrorEnvelope): ActorEvent => ({ type: 'ended', outcome: 'failed', error })
