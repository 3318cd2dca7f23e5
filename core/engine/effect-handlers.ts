/** What each effect does. Every one may run twice (E3) and is idempotent by the ids it carries. */
import { fail, toEnvelope } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Effects } from '../machines/effects.ts'
import { answeredPrompt } from '../machines/prompts.ts'
import { getQuestion } from '../store/questions.ts'
import { getSession } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import type { EffectHandlers } from './effect-runner.ts'
import type { Engine } from './engine.ts'
import { loadPlace } from './places.ts'
import type { SessionRunner, WorkspacePort } from './ports.ts'
import { isOver, type TakeUp, wasTaken } from './take-up.ts'

export interface EffectPorts {
  readonly store: Store
  readonly logger: Logger
  readonly runner: Pick<SessionRunner, 'stop' | 'answer' | 'send'>
  readonly takeUp: TakeUp
  readonly workspace: WorkspacePort
  /** Looks for room for queued tasks. */
  readonly poke: () => void
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

/** For a session that the runner may not have yet: one that a host before this one left at work. */
async function reach({ takeUp }: EffectPorts, sessionId: string, tell: () => Promise<boolean>): Promise<boolean> {
  if (await tell()) return true
  await takeUp(sessionId)
  return tell()
}

/** The task of a lost session goes on with an answer that came too late for it. */
async function passOn(
  { store }: EffectPorts,
  engine: Pick<Engine, 'tell'>,
  { sessionId, questionId, answer }: Effects['deliverAnswer'],
  id: string,
): Promise<void> {
  const [session, question] = await store.read((tx) =>
    Promise.all([getSession(tx, sessionId), getQuestion(tx, questionId)]),
  )
  if (!session || !question) return
  // Thrown, it comes again: only how the session has ended says what becomes of the answer.
  if (!isOver(session)) fail('CONFLICT', `Session ${sessionId} is about to end.`)
  if (session.status !== 'lost') return
  const asked = { ...question, questionId, question: question.prompt }
  await engine.tell(session.unitTaskId, { type: 'followUp', prompt: answeredPrompt(asked, answer) }, id)
}

export const makeEffectHandlers =
  (ports: EffectPorts) =>
  (engine: Pick<Engine, 'tell'>): EffectHandlers => ({
    requestWorker: async () => ports.poke(),
    startSession: ({ sessionId }) => ports.takeUp(sessionId),
    async stopSession({ sessionId, error }) {
      await reach(ports, sessionId, () => ports.runner.stop(sessionId, error))
    },
    async deliverAnswer({ sessionId, ...answer }, { id }) {
      const heard = await reach(ports, sessionId, () => ports.runner.answer(sessionId, answer))
      if (!heard) await passOn(ports, engine, { sessionId, ...answer }, id)
    },
    async deliverMessage({ sessionId, taskId, content, by }, { id }) {
      const heard = await reach(ports, sessionId, () => ports.runner.send(sessionId, { id, content, by }))
      if (heard || (await wasTaken(ports.store, sessionId, id))) return
      // It was accepted, so it must not be lost: the task goes on with it.
      await engine.tell(taskId, { type: 'followUp', prompt: content }, id)
    },
    mergeTask: (params, { id }) => merge(ports, engine, params, id),
  })
