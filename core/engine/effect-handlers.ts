/** What each effect does. Every one may run twice (E3) and is idempotent by the ids it carries. */
import { fail, toEnvelope, TroupeError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { sessionOutcome } from '../contract/statuses.ts'
import type { Effects } from '../machines/effects.ts'
import { getSession, getSessionStart } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import type { EffectHandlers } from './dispatcher.ts'
import type { Engine } from './engine.ts'
import { loadPlace } from './places.ts'
import type { SessionRunner, SessionSpec, WorkspacePort } from './ports.ts'

export interface EffectPorts {
  readonly store: Store
  readonly logger: Logger
  readonly runner: SessionRunner
  readonly workspace: WorkspacePort
  /** Looks for room for queued tasks. */
  readonly poke: () => void
}

async function loadSpec(store: Store, sessionId: string): Promise<SessionSpec> {
  const { session, start } = await store.read(async (tx) => ({
    session: (await getSession(tx, sessionId)) ?? fail('NOT_FOUND', `There is no session ${sessionId}.`),
    start: (await getSessionStart(tx, sessionId)) ?? fail('NOT_FOUND', `There is no session ${sessionId}.`),
  }))
  const place = await loadPlace(store, session.unitTaskId)
  const { agent, model, permissionMode, sandbox, lastSeq } = session
  const { prompt, resumeOf } = start
  return { sessionId, place, agent, model, permissionMode, sandbox, prompt, resume: resumeOf, lastSeq }
}

async function merge(
  ports: EffectPorts,
  engine: Pick<Engine, 'tell'>,
  params: Effects['mergeTask'],
  id: string,
): Promise<void> {
  const { taskId, strategy, message } = params
  const place = await loadPlace(ports.store, taskId)
  const told = await ports.workspace.merge(place, { strategy, message }).then(
    (merged) => ({ type: 'merged', ...merged }),
    (error: unknown) => {
      ports.logger.warn({ err: error, taskId }, 'A merge was refused.')
      return { type: 'mergeRefused', error: toEnvelope(error) }
    },
  )
  await engine.tell(taskId, told, id)
}

/** An effect may come again after its session has ended; what cannot be begun ends at once. */
async function startSession(ports: EffectPorts, engine: Pick<Engine, 'tell'>, sessionId: string): Promise<void> {
  const session = await ports.store.read((tx) => getSession(tx, sessionId))
  if (!session || sessionOutcome.safeParse(session.status).success) return
  try {
    await ports.runner.start(await loadSpec(ports.store, sessionId))
  } catch (error) {
    if (!(error instanceof TroupeError) || error.code !== 'NOT_FOUND') throw error
    await engine.tell(sessionId, { type: 'ended', outcome: 'failed', error: toEnvelope(error) })
  }
}

export const makeEffectHandlers =
  (ports: EffectPorts) =>
  (engine: Pick<Engine, 'tell'>): EffectHandlers => ({
    send: async ({ to, event }, { id }) => void (await engine.tell(to, event, id)),
    requestWorker: async () => ports.poke(),
    startSession: ({ sessionId }) => startSession(ports, engine, sessionId),
    stopSession: ({ sessionId, error }) => ports.runner.stop(sessionId, error),
    deliverAnswer: ({ sessionId, ...answer }) => ports.runner.answer(sessionId, answer),
    async deliverMessage({ sessionId, taskId, content, by }, { id }) {
      const heard = await ports.runner.send(sessionId, { id, content, by })
      // It was accepted, so it must not be lost: the task goes on with it.
      if (!heard) await engine.tell(taskId, { type: 'followUp', prompt: content }, id)
    },
    mergeTask: (params, { id }) => merge(ports, engine, params, id),
  })
