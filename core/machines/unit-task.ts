/**
 * The life of a unit task. Its top-level states are the statuses of the contract.
 *
 * A task owns at most one live session, the one in `context.sessionId`; what an earlier session still reports is
 * ignored by the guard `fromMySession`.
 */
import { assign, setup } from 'xstate'
import type { ErrorEnvelope } from '../base/errors.ts'
import type { MergeStrategy, SessionOutcome } from '../contract/statuses.ts'
import { declaredActions, type AskedQuestion } from './effects.ts'
import { answeredPrompt, continuePrompt, type NextPrompt } from './prompts.ts'

export const TASK_MACHINE_VERSION = 1

/** A task whose sessions are lost this often in a row without an end fails. */
const MAX_LOST_IN_A_ROW = 3
const MERGE_BOUND_MS = 10 * 60_000

export interface TaskInput {
  readonly taskId: string
  readonly prompt: string
  /** Milliseconds a session may run in all; 0 is for ever. */
  readonly totalMs: number
}

export interface TaskContext extends TaskInput {
  readonly next: NextPrompt
  readonly sessionId?: string
  readonly agentSessionId?: string
  readonly lostInARow: number
  /** What people said too late for the last session; the next one starts with it. */
  readonly unheard?: readonly string[]
  /** A question that a lost session left open; its answer starts the next session. */
  readonly openQuestion?: AskedQuestion
  readonly worktreePath?: string
  readonly baseCommit?: string
  readonly endCommit?: string
  readonly mergeCommit?: string
  readonly linkedPrUrl?: string
  readonly error?: ErrorEnvelope
}

export interface SessionEnd {
  readonly type: 'session.ended'
  readonly sessionId: string
  readonly outcome: SessionOutcome
  /** False when the agent never got going, so that its prompt was not heard. */
  readonly started: boolean
  readonly error?: ErrorEnvelope
  readonly agentSessionId?: string
  readonly endCommit?: string
  /** What people said too late for the session; the next one starts with it. */
  readonly unheard?: readonly string[]
  readonly openQuestion?: AskedQuestion
}

export type TaskEvent =
  | { readonly type: 'start' }
  | { readonly type: 'stop' }
  | { readonly type: 'approve' }
  | { readonly type: 'reject' }
  | { readonly type: 'retry'; readonly fresh: boolean }
  | { readonly type: 'changes'; readonly prompt: string }
  /** A message that its session did not hear any more. */
  | { readonly type: 'followUp'; readonly prompt: string }
  | { readonly type: 'merge'; readonly strategy: MergeStrategy; readonly message?: string }
  | { readonly type: 'markDone' }
  | { readonly type: 'editPrompt'; readonly prompt: string }
  | { readonly type: 'pullRequestOpened'; readonly url: string }
  | { readonly type: 'assign'; readonly sessionId: string; readonly workerId: string }
  | { readonly type: 'answered'; readonly questionId: string; readonly answer: string; readonly by: string }
  | {
      readonly type: 'session.prepared'
      readonly sessionId: string
      readonly worktreePath: string
      readonly baseCommit: string
    }
  | { readonly type: 'session.waiting'; readonly sessionId: string }
  | { readonly type: 'session.working'; readonly sessionId: string }
  | SessionEnd
  | { readonly type: 'merged'; readonly commit: string; readonly endCommit: string }
  | { readonly type: 'mergeRefused'; readonly error: ErrorEnvelope }

/** What the next session starts with after one was lost. */
function afterLost(context: TaskContext, event: SessionEnd): NextPrompt {
  const resume = event.agentSessionId ?? context.agentSessionId
  if (!event.started || resume === undefined) return context.next
  return { prompt: withUnheard(continuePrompt, event.unheard), resume }
}

const withUnheard = (prompt: string, unheard: readonly string[] = []): string => [prompt, ...unheard].join('\n\n')

const withResume = (prompt: string, agentSessionId: string | undefined): NextPrompt =>
  agentSessionId === undefined ? { prompt } : { prompt, resume: agentSessionId }

export const unitTaskMachine = setup({
  types: {} as { context: TaskContext; events: TaskEvent; input: TaskInput },
  actions: {
    ...declaredActions,
    keepSessionEnd: assign(({ context, event }) => {
      if (event.type !== 'session.ended') return {}
      return {
        agentSessionId: event.agentSessionId ?? context.agentSessionId,
        endCommit: event.endCommit ?? context.endCommit,
        error: event.error,
        unheard: event.unheard?.length ? event.unheard : context.unheard,
      }
    }),
    keepPrepared: assign(({ event }) =>
      event.type === 'session.prepared' ? { worktreePath: event.worktreePath, baseCommit: event.baseCommit } : {},
    ),
    countLost: assign(({ context, event }) =>
      event.type === 'session.ended'
        ? {
            // A host that was stopped on purpose says nothing about the task.
            lostInARow: event.error?.code === 'ABORTED' ? context.lostInARow : context.lostInARow + 1,
            next: afterLost(context, event),
            openQuestion: event.openQuestion,
          }
        : {},
    ),
    resetLost: assign({ lostInARow: 0 }),
    failAsLost: assign({
      error: ({ context }) => ({
        code: 'SESSION_LOST' as const,
        message: `The session was lost ${context.lostInARow + 1} times in a row, so the task was given up. Look at the log, then retry the task.`,
      }),
    }),
    keepChanges: assign({
      next: ({ context, event }) =>
        event.type === 'changes' || event.type === 'followUp'
          ? withResume(event.prompt, context.agentSessionId)
          : context.next,
      error: undefined,
    }),
    keepUnheard: assign(({ context }) => ({
      next: withResume((context.unheard ?? []).join('\n\n'), context.agentSessionId),
      unheard: undefined,
    })),
    keepRetry: assign({
      next: ({ context, event }) =>
        event.type === 'retry' && !event.fresh && context.agentSessionId !== undefined
          ? { prompt: withUnheard(continuePrompt, context.unheard), resume: context.agentSessionId }
          : { prompt: withUnheard(context.prompt, context.unheard) },
      unheard: undefined,
      error: undefined,
    }),
    keepAnswer: assign(({ context, event }) =>
      event.type === 'answered' && context.openQuestion !== undefined
        ? {
            next: withResume(answeredPrompt(context.openQuestion, event.answer), context.next.resume),
            openQuestion: undefined,
          }
        : {},
    ),
    dropQuestion: assign({ openQuestion: undefined }),
    keepMerge: assign(({ event }) =>
      event.type === 'merged' ? { mergeCommit: event.commit, endCommit: event.endCommit, error: undefined } : {},
    ),
  },
  guards: {
    fromMySession: ({ context, event }) => 'sessionId' in event && event.sessionId === context.sessionId,
    ended: ({ context, event }, outcome: SessionOutcome) =>
      event.type === 'session.ended' && event.sessionId === context.sessionId && event.outcome === outcome,
    completedTooSoon: ({ context, event }) =>
      event.type === 'session.ended' &&
      event.sessionId === context.sessionId &&
      event.outcome === 'completed' &&
      (event.unheard?.length ?? 0) > 0,
    lostWithQuestion: ({ context, event }) =>
      event.type === 'session.ended' &&
      event.sessionId === context.sessionId &&
      event.outcome === 'lost' &&
      event.openQuestion !== undefined,
    lostTooOften: ({ context, event }) =>
      event.type === 'session.ended' &&
      event.sessionId === context.sessionId &&
      event.outcome === 'lost' &&
      event.error?.code !== 'ABORTED' &&
      context.lostInARow + 1 >= MAX_LOST_IN_A_ROW,
    isOpenQuestion: ({ context, event }) =>
      event.type === 'answered' && event.questionId === context.openQuestion?.questionId,
  },
}).createMachine({
  id: 'unitTask',
  context: ({ input }) => ({ ...input, next: { prompt: input.prompt }, lostInARow: 0 }),
  initial: 'draft',
  states: {
    draft: {
      on: {
        start: 'queued',
        editPrompt: {
          actions: assign(({ event }) => ({ prompt: event.prompt, next: { prompt: event.prompt } })),
        },
        stop: 'stopped',
      },
    },
    queued: {
      initial: 'forWorker',
      on: { stop: 'stopped' },
      states: {
        forWorker: {
          entry: { type: 'requestWorker', params: ({ context }) => ({ taskId: context.taskId }) },
          on: {
            assign: {
              target: '#unitTask.in_progress',
              actions: [
                assign({ sessionId: ({ event }) => event.sessionId, error: undefined, unheard: undefined }),
                {
                  type: 'spawn',
                  params: ({ context, event }) => ({
                    machine: 'agentSession',
                    id: event.sessionId,
                    input: {
                      sessionId: event.sessionId,
                      taskId: context.taskId,
                      workerId: event.workerId,
                      prompt: context.next.prompt,
                      resume: context.next.resume,
                      totalMs: context.totalMs,
                    },
                  }),
                },
              ],
            },
          },
        },
        forAnswer: {
          on: {
            answered: {
              guard: 'isOpenQuestion',
              target: 'forWorker',
              actions: [{ type: 'recordAnswer', params: ({ event }) => event }, 'keepAnswer'],
            },
          },
          exit: {
            type: 'withdrawQuestions',
            params: ({ context }) => ({ questionIds: context.openQuestion ? [context.openQuestion.questionId] : [] }),
          },
        },
      },
      exit: 'dropQuestion',
    },
    in_progress: {
      initial: 'working',
      on: {
        'session.prepared': { guard: 'fromMySession', actions: 'keepPrepared' },
        'session.ended': [
          { guard: 'completedTooSoon', target: 'queued', actions: ['keepSessionEnd', 'keepUnheard', 'resetLost'] },
          {
            guard: { type: 'ended', params: 'completed' },
            target: 'in_review',
            actions: ['keepSessionEnd', 'resetLost'],
          },
          { guard: { type: 'ended', params: 'failed' }, target: 'failed', actions: ['keepSessionEnd', 'resetLost'] },
          { guard: { type: 'ended', params: 'stopped' }, target: 'stopped', actions: ['keepSessionEnd', 'resetLost'] },
          { guard: 'lostTooOften', target: 'failed', actions: ['keepSessionEnd', 'failAsLost', 'resetLost'] },
          { guard: 'lostWithQuestion', target: 'queued.forAnswer', actions: ['keepSessionEnd', 'countLost'] },
          { guard: { type: 'ended', params: 'lost' }, target: 'queued', actions: ['keepSessionEnd', 'countLost'] },
        ],
        stop: {
          target: '.stopping',
          actions: {
            type: 'send',
            params: ({ context }) => ({ to: context.sessionId ?? '', event: { type: 'stop' } }),
          },
        },
      },
      states: {
        working: { on: { 'session.waiting': { guard: 'fromMySession', target: 'waiting' } } },
        waiting: { on: { 'session.working': { guard: 'fromMySession', target: 'working' } } },
        stopping: {
          on: {
            'session.ended': {
              guard: 'fromMySession',
              target: '#unitTask.stopped',
              actions: ['keepSessionEnd', 'resetLost'],
            },
          },
        },
      },
    },
    in_review: {
      on: {
        approve: 'approved',
        reject: 'rejected',
        changes: { target: 'queued', actions: 'keepChanges' },
        followUp: { target: 'queued', actions: 'keepChanges' },
        stop: 'stopped',
      },
    },
    approved: {
      initial: 'ready',
      on: { merged: { target: 'done', actions: 'keepMerge' } },
      states: {
        ready: {
          on: {
            merge: {
              target: 'merging',
              actions: [
                assign({ error: undefined }),
                {
                  type: 'mergeTask',
                  params: ({ context, event }) => ({
                    taskId: context.taskId,
                    strategy: event.strategy,
                    message: event.message,
                  }),
                },
              ],
            },
            markDone: '#unitTask.done',
            changes: { target: '#unitTask.queued', actions: 'keepChanges' },
            reject: '#unitTask.rejected',
            stop: '#unitTask.stopped',
            pullRequestOpened: {
              target: '#unitTask.pr_open',
              actions: assign({ linkedPrUrl: ({ event }) => event.url }),
            },
          },
        },
        merging: {
          on: {
            mergeRefused: { target: 'ready', actions: assign({ error: ({ event }) => event.error }) },
            // The merge itself cannot be called back; its outcome still counts when it comes.
            stop: '#unitTask.stopped',
          },
          after: {
            [MERGE_BOUND_MS]: {
              target: 'ready',
              actions: assign({
                error: {
                  code: 'TIMEOUT' as const,
                  message: 'The merge did not finish. Look at the repository, then try again.',
                },
              }),
            },
          },
        },
      },
    },
    pr_open: {
      on: {
        markDone: 'done',
        merged: { target: 'done', actions: 'keepMerge' },
        changes: { target: 'queued', actions: 'keepChanges' },
        reject: 'rejected',
        stop: 'stopped',
      },
    },
    rejected: { on: { retry: { target: 'queued', actions: 'keepRetry' } } },
    stopped: {
      on: {
        retry: { target: 'queued', actions: 'keepRetry' },
        changes: { target: 'queued', actions: 'keepChanges' },
        reject: 'rejected',
        merged: { target: 'done', actions: 'keepMerge' },
      },
    },
    failed: {
      on: {
        retry: { target: 'queued', actions: 'keepRetry' },
        changes: { target: 'queued', actions: 'keepChanges' },
        reject: 'rejected',
      },
    },
    done: { type: 'final' },
  },
})
