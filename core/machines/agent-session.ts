/**
 * The life of an agent session. Its states are the statuses of the contract.
 *
 * The session tells its task of every change that the task shows, and of its end exactly once: on entering a final state.
 */
import { assign, setup } from 'xstate'
import type { ErrorEnvelope } from '../base/errors.ts'
import type { SessionOutcome } from '../contract/statuses.ts'
import { declaredActions, type AskedQuestion } from './effects.ts'
import type { SessionContext, SessionEvent, SessionInput } from './session-events.ts'

export const SESSION_MACHINE_VERSION = 1

/** A runner that has not answered a stop in this time is taken for gone. It has tighter bounds of its own. */
const STOP_BOUND_MS = 2 * 60_000

const without = (questions: readonly AskedQuestion[], questionId: string) =>
  questions.filter((question) => question.questionId !== questionId)

const totalTimeoutError = (totalMs: number): ErrorEnvelope => ({
  code: 'AGENT_TIMEOUT',
  message: `The session ran longer than ${Math.round(totalMs / 60_000)} min. Raise [timeouts] total_minutes, or retry the task to go on.`,
})

const session = setup({
  types: {} as { context: SessionContext; events: SessionEvent; input: SessionInput },
  actions: {
    ...declaredActions,
    keepEnd: assign(({ context, event }) =>
      event.type === 'ended'
        ? {
            // The reason why it was told to stop explains more than how the runner saw it end.
            error: context.error ?? event.error,
            usage: event.usage ?? context.usage,
            endCommit: event.endCommit ?? context.endCommit,
            unheard: event.unheard,
          }
        : {},
    ),
    keepQuestion: assign({
      questions: ({ context, event }) =>
        event.type === 'asked'
          ? [...without(context.questions, event.question.questionId), event.question]
          : context.questions,
    }),
    dropQuestion: assign({
      questions: ({ context, event }) =>
        'questionId' in event ? without(context.questions, event.questionId) : context.questions,
    }),
    keepConversation: assign(({ context, event }) =>
      event.type === 'started' ? { started: true, agentSessionId: event.agentSessionId ?? context.agentSessionId } : {},
    ),
    keepTimeout: assign({ error: ({ context }) => totalTimeoutError(context.totalMs) }),
    keepStopFailure: assign({
      error: {
        code: 'PROCESS_LEFT' as const,
        message: 'The session was told to stop and did not end. Look for processes of the agent, then retry the task.',
      },
    }),
  },
  guards: {
    endedAs: ({ event }, outcome: string) => event.type === 'ended' && event.outcome === outcome,
    stoppedForTime: ({ context, event }) =>
      event.type === 'ended' && event.outcome === 'stopped' && context.error !== undefined,
    isOpen: ({ context, event }) =>
      'questionId' in event && context.questions.some((question) => question.questionId === event.questionId),
    isLastOpen: ({ context, event }) =>
      'questionId' in event && context.questions.length === 1 && context.questions[0]?.questionId === event.questionId,
  },
})

const boundTotal = session.enqueueActions(({ context, enqueue }) => {
  if (context.totalMs > 0) enqueue.raise({ type: 'totalTimeout' }, { id: 'total', delay: context.totalMs })
})

const tellTask = (type: 'session.waiting' | 'session.working') =>
  session.enqueueActions(({ context, enqueue }) => {
    enqueue({ type: 'send', params: { to: context.taskId, event: { type, sessionId: context.sessionId } } })
  })

const tellPrepared = session.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'prepared') return
  const { worktreePath, baseCommit } = event
  const prepared = { type: 'session.prepared', sessionId: context.sessionId, worktreePath, baseCommit }
  enqueue({ type: 'send', params: { to: context.taskId, event: prepared } })
})

const recordAsked = session.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'asked') return
  const { sessionId, taskId } = context
  enqueue({ type: 'recordQuestion', params: { sessionId, taskId, question: event.question } })
})

const deliverAnswer = session.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'answered') return
  const { questionId, answer, by } = event
  enqueue({ type: 'recordAnswer', params: { questionId, answer, by } })
  enqueue({ type: 'deliverAnswer', params: { sessionId: context.sessionId, questionId, answer, by } })
})

const withdrawOne = session.enqueueActions(({ event, enqueue }) => {
  if (event.type === 'withdrawn') enqueue({ type: 'withdrawQuestions', params: { questionIds: [event.questionId] } })
})

const deliver = session.enqueueActions(({ context, event, enqueue }) => {
  if (event.type !== 'message') return
  const { content, by } = event
  enqueue({ type: 'deliverMessage', params: { sessionId: context.sessionId, taskId: context.taskId, content, by } })
})

const tellEnd = (outcome: SessionOutcome) =>
  session.enqueueActions(({ context, enqueue }) => {
    const { sessionId, taskId, started, error, agentSessionId, endCommit, unheard, questions } = context
    // A lost session's question stays open: its answer starts the next session.
    const openQuestion = outcome === 'lost' ? questions.at(-1) : undefined
    const questionIds = questions.filter((question) => question !== openQuestion).map(({ questionId }) => questionId)
    if (questionIds.length > 0) enqueue({ type: 'withdrawQuestions', params: { questionIds } })
    const event = {
      type: 'session.ended',
      sessionId,
      outcome,
      started,
      error,
      agentSessionId,
      endCommit,
      unheard,
      openQuestion,
    }
    enqueue({ type: 'send', params: { to: taskId, event } })
  })

const askToStop = session.enqueueActions(({ context, enqueue }) => {
  enqueue({ type: 'stopSession', params: { sessionId: context.sessionId, error: context.error } })
})

export const agentSessionMachine = session.createMachine({
  id: 'agentSession',
  context: ({ input }) => ({ ...input, questions: [], started: false }),
  initial: 'live',
  states: {
    live: {
      entry: [{ type: 'startSession', params: ({ context }) => ({ sessionId: context.sessionId }) }, boundTotal],
      initial: 'active',
      on: {
        stop: '.stopping',
        ended: [
          { guard: { type: 'endedAs', params: 'completed' }, target: 'completed', actions: 'keepEnd' },
          { guard: 'stoppedForTime', target: 'failed', actions: 'keepEnd' },
          { guard: { type: 'endedAs', params: 'stopped' }, target: 'stopped', actions: 'keepEnd' },
          { guard: { type: 'endedAs', params: 'lost' }, target: 'lost', actions: 'keepEnd' },
          { target: 'failed', actions: 'keepEnd' },
        ],
      },
      states: {
        active: {
          initial: 'assigned',
          on: {
            totalTimeout: { target: 'stopping', actions: 'keepTimeout' },
            prepared: { actions: tellPrepared },
            started: { actions: 'keepConversation' },
            asked: { target: '.awaiting_input', actions: ['keepQuestion', recordAsked] },
            message: { actions: deliver },
          },
          states: {
            assigned: {
              on: { preparing: 'starting', started: { target: 'running', actions: 'keepConversation' } },
            },
            starting: { on: { started: { target: 'running', actions: 'keepConversation' } } },
            running: {},
            awaiting_input: {
              entry: tellTask('session.waiting'),
              on: {
                totalTimeout: {
                  target: '#agentSession.live.stopping',
                  actions: ['keepTimeout', tellTask('session.working')],
                },
                // The agent waits for its answer, so that goes first.
                answered: [
                  {
                    guard: 'isLastOpen',
                    target: 'running',
                    actions: ['dropQuestion', deliverAnswer, tellTask('session.working')],
                  },
                  { guard: 'isOpen', actions: ['dropQuestion', deliverAnswer] },
                ],
                withdrawn: [
                  {
                    guard: 'isLastOpen',
                    target: 'running',
                    actions: ['dropQuestion', withdrawOne, tellTask('session.working')],
                  },
                  { guard: 'isOpen', actions: ['dropQuestion', withdrawOne] },
                ],
              },
            },
          },
        },
        stopping: {
          entry: askToStop,
          after: {
            [STOP_BOUND_MS]: { target: '#agentSession.failed', actions: 'keepStopFailure' },
          },
        },
      },
    },
    completed: { type: 'final', entry: tellEnd('completed') },
    failed: { type: 'final', entry: tellEnd('failed') },
    stopped: { type: 'final', entry: tellEnd('stopped') },
    lost: { type: 'final', entry: tellEnd('lost') },
  },
})
