/** Running tasks and talking to their agents. */
import { fail } from '../base/errors.ts'
import type { Question, UnitTask } from '../contract/records.ts'
import { sessionOutcome } from '../contract/statuses.ts'
import { conflictOf } from '../engine/conflict.ts'
import type { Principal } from '../rpc/access.ts'
import type { Handlers } from '../rpc/handlers.ts'
import { getAgentTask } from '../store/agent-tasks.ts'
import { listQuestions } from '../store/questions.ts'
import type { HandlerDeps } from './deps.ts'
import { findQuestion, findSession, findTask, missing } from './find.ts'
import { untilTask } from './until.ts'

/** Ending an agent takes at most its own interrupt, SIGTERM and SIGKILL, each with its bound. */
const STOP_BOUND_MS = 60_000
const PAGE_BYTES = 4 * 1024 * 1024

const isStopped = (task: UnitTask): boolean => task.status !== 'in_progress'
const nameOf = (principal: Principal): string => principal.kind

/** A permission and a plan take one of their options; a question takes free text too. */
function checkAnswer(question: Question, text: string): void {
  if (question.kind === 'question' || !question.options) return
  const labels = question.options.map(({ label }) => label)
  if (!labels.includes(text)) {
    fail(
      'INVALID_PARAMS',
      `"${text.slice(0, 100)}" is not a possible answer. Answer with one of: ${labels.join(', ')}.`,
    )
  }
}

/** A lost session left its question to the task, which starts a new session with the answer. */
async function deliver(deps: HandlerDeps, question: Question, reply: { answer: string; by: string }): Promise<void> {
  const session = await findSession(deps.store, question.sessionId)
  const ended = sessionOutcome.safeParse(session.status).success
  const actorId = ended ? question.unitTaskId : question.sessionId
  await deps.engine.command(actorId, { type: 'answered', questionId: question.id, ...reply })
}

export function executionHandlers(deps: HandlerDeps) {
  const { store, engine, log, retention } = deps
  return {
    async startTaskExecution({ id }) {
      await findTask(store, id)
      await engine.command(id, { type: 'start' })
      return { task: await findTask(store, id) }
    },
    async stopTaskExecution({ id }, { signal }) {
      await findTask(store, id)
      await engine.command(id, { type: 'stop' })
      return { task: await untilTask(deps, id, { signal, boundMs: STOP_BOUND_MS, holds: isStopped }) }
    },
    async sendMessage({ id, content }, { principal }) {
      const task = await findTask(store, id)
      if (task.status !== 'in_progress' || task.sessionId === undefined) {
        // The task's machine takes no messages: it says what is possible instead.
        await engine.command(id, { type: 'message' })
        return fail('CONFLICT', `The task is ${task.status}, but has no session to talk to.`)
      }
      await engine.command(task.sessionId, { type: 'message', content, by: nameOf(principal) })
      return {}
    },
    async answerQuestion({ questionId, answer }, { principal }) {
      const question = await findQuestion(store, questionId)
      if (question.status !== 'pending') throw conflictOf('question', question.status, 'answer', [])
      checkAnswer(question, answer)
      await deliver(deps, question, { answer, by: nameOf(principal) })
      return { question: await findQuestion(store, questionId) }
    },
    async listQuestions({ id, status }) {
      if (id !== undefined) await findTask(store, id)
      return { questions: await store.read((tx) => listQuestions(tx, { taskId: id, status })) }
    },
    async getExecutionLogs({ sessionId, after, limit }) {
      const { lastSeq } = await findSession(store, sessionId)
      const entries = await log.page({ sessionId, after, limit, maxBytes: PAGE_BYTES })
      return { messages: entries.map(({ json }) => JSON.parse(json)), lastSeq }
    },
    async searchExecutionLogs({ sessionId, text, types, after, limit }, { signal }) {
      await findSession(store, sessionId)
      const found = await log.search({ sessionId, text, types, after, limit, signal })
      const messages = found.entries.map(({ json }) => JSON.parse(json))
      return { messages, after: found.scannedTo, complete: found.complete }
    },
    async getMessageBody({ sessionId, seq }) {
      const body = await log.body({ sessionId, seq })
      return {
        body: body === undefined ? missing('message', `${sessionId}/${seq}`, 'getExecutionLogs') : JSON.parse(body),
      }
    },
    async getAgentTask({ id }) {
      const agentTask = await store.read((tx) => getAgentTask(tx, id))
      return { agentTask: agentTask ?? missing('agent task', id, 'getUnitTask') }
    },
    applyRetention: () => retention.run(),
    getAgentSession: async ({ id }) => ({ session: await findSession(store, id) }),
  } satisfies Partial<Handlers>
}
