/** What each effect does. Every one may run twice (E3) and is idempotent by the ids it carries. */
import { fail, toEnvelope } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Effects } from '../machines/effects.ts'
import { answeredPrompt } from '../machines/prompts.ts'
import { getQuestion } from '../store/questions.ts'
import { getSession } from '../store/sessions.ts'
import type { Store } from '../store/store.ts'
import type { EffectContext, EffectHandlers } from './effect-runner.ts'
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
  { taskId, strategy, message }: Effects['mergeTask'],
  { id, signal }: EffectContext,
): Promise<void> {
  const place = await loadPlace(ports.store, taskId)
  const told = await ports.workspace.merge(place, { strategy, message, signal }).then(
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

/** What was accepted must not be lost: the task goes on with it. */
async function followUp(
  { logger }: EffectPorts,
  engine: Pick<Engine, 'tell'>,
  { taskId, prompt }: { readonly taskId: string; readonly prompt: string },
  id: string,
): Promise<void> {
  if (await engine.tell(taskId, { type: 'followUp', prompt }, id)) return
  logger.warn({ taskId, id }, 'What a person said came when its task was done or deleted, so nobody hears it.')
}

/** The task of a lost session goes on with an answer that came too late for it. */
async function passOn(
  ports: EffectPorts,
  engine: Pick<Engine, 'tell'>,
  { sessionId, questionId, answer }: Effects['deliverAnswer'],
  id: string,
): Promise<void> {
  const [session, question] = await ports.store.read((tx) =>
    Promise.all([getSession(tx, sessionId), getQuestion(tx, questionId)]),
  )
  if (!session || !question) return
  // Thrown, it comes again: only how the session has ended says what becomes of the answer.
  if (!isOver(session)) fail('CONFLICT', `Session ${sessionId} is about to end.`)
  if (session.status !== 'lost') return
  const asked = { ...question, questionId, question: question.prompt }
  await followUp(ports, engine, { taskId: session.unitTaskId, prompt: answeredPrompt(asked, answer) }, id)
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
      await followUp(ports, engine, { taskId, prompt: content }, id)
    },
    mergeTask: (params, effect) => merge(ports, engine, params, effect),
  })
