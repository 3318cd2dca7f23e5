/** What each effect does. Every one may run twice (E3) and is idempotent by the ids it carries. */
import { fail, toEnvelope } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
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
  try {
    const merged = await ports.workspace.merge(await loadPlace(ports.store, taskId), { strategy, message })
    await engine.tell(taskId, { type: 'merged', ...merged }, id)
  } catch (error) {
    ports.logger.warn({ err: error, taskId }, 'A merge was refused.')
    await engine.tell(taskId, { type: 'mergeRefused', error: toEnvelope(error) }, id)
  }
}

export const makeEffectHandlers =
  (ports: EffectPorts) =>
  (engine: Pick<Engine, 'tell'>): EffectHandlers => ({
    send: async ({ to, event }, { id }) => void (await engine.tell(to, event, id)),
    requestWorker: async () => ports.poke(),
    startSession: async ({ sessionId }) => ports.runner.start(await loadSpec(ports.store, sessionId)),
    stopSession: ({ sessionId, error }) => ports.runner.stop(sessionId, error),
    deliverAnswer: ({ sessionId, ...answer }) => ports.runner.answer(sessionId, answer),
    async deliverMessage({ sessionId, taskId, content, by }, { id }) {
      const heard = await ports.runner.send(sessionId, { id, content, by })
      // It was accepted, so it must not be lost: the task goes on with it.
      if (!heard) await engine.tell(taskId, { type: 'followUp', prompt: content }, id)
    },
    mergeTask: (params, { id }) => merge(ports, engine, params, id),
  })
