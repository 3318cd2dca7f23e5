/**
 * The life of a unit task. Its top-level states are the statuses of the contract.
 *
 * A task owns at most one live session, the one in `context.sessionId`; what an earlier session still reports is
 * ignored by the guard `fromMySession`.
 */
import { assign, setup } from 'xstate'
import type { ErrorEnvelope } from '../base/errors.ts'
import type { SessionOutcome } from '../contract/statuses.ts'
import { declaredActions } from './effects.ts'
import { answeredPrompt, continuePrompt, type NextPrompt } from './prompts.ts'
import type { SessionEnd, TaskContext, TaskEvent, TaskInput } from './task-events.ts'

export const TASK_MACHINE_VERSION = 2

/** A task whose sessions are lost this often in a row without an end fails. */
const MAX_LOST_IN_A_ROW = 3
const MERGE_BOUND_MS = 10 * 60_000

/** What the next session starts with after one was lost. */
function afterLost(context: TaskContext, event: SessionEnd): NextPrompt {
  const resume = event.agentSessionId ?? context.agentSessionId
  if (!event.started || resume === undefined) return context.next
  return { prompt: continuePrompt, resume }
}

function afterRetry({ prompt, begun, next, agentSessionId }: TaskContext, fresh: boolean): NextPrompt {
  if (fresh) return { prompt }
  // Nobody was told it yet.
  if (begun === false) return next
  return agentSessionId === undefined ? { prompt } : { prompt: continuePrompt, resume: agentSessionId }
}

/** What the next session is told: its own prompt, then what people said too late for the one before. */
const toPrompt = ({ next, unheard = [] }: TaskContext): string =>
  [next.prompt, ...unheard].filter((part) => part !== '').join('\n\n')

const withResume = (prompt: string, agentSessionId: string | undefined): NextPrompt =>
  agentSessionId === undefined ? { prompt } : { prompt, resume: agentSessionId }

/** The merge holds, but a commit in such a folder would take it back: its owner must know. */
function leftBehindError(folders: readonly string[] = []): ErrorEnvelope | undefined {
  if (folders.length === 0) return undefined
  const message = `The work is merged, but ${folders.join(', ')} could not be brought along: it looks as if the merge were undone there. Commit nothing in it; copy aside what else is uncommitted, then run there: git reset --hard`
  return { code: 'MERGE_BLOCKED', message, details: { folders } }
}

const task = setup({
  types: {} as { context: TaskContext; events: TaskEvent; input: TaskInput },
  actions: {
    ...declaredActions,
    keepSessionEnd: assign(({ context, event }) => {
      if (event.type !== 'session.ended') return {}
      return {
        begun: event.started,
        agentSessionId: event.agentSessionId ?? context.agentSessionId,
        endCommit: event.endCommit ?? context.endCommit,
        error: event.error,
        unheard: [...(context.unheard ?? []), ...(event.unheard ?? [])],
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
        event.type === 'changes' ? withResume(event.prompt, context.agentSessionId) : context.next,
      error: undefined,
    }),
    keepFollowUp: assign(({ context, event }) =>
      event.type === 'followUp' ? { unheard: [...(context.unheard ?? []), event.prompt] } : {},
    ),
    /** The next session starts with what was said too late, and nothing else. */
    goOnWithUnheard: assign(({ context }) => ({ next: withResume('', context.agentSessionId), error: undefined })),
    keepRetry: assign({
      next: ({ context, event }) => afterRetry(context, event.type === 'retry' && event.fresh),
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
      event.type === 'merged'
        ? { mergeCommit: event.commit, endCommit: event.endCommit, error: leftBehindError(event.leftBehind) }
        : {},
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
      (context.unheard?.length ?? 0) + (event.unheard?.length ?? 0) > 0,
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
})

const withdrawOpen = task.enqueueActions(({ context, enqueue }) => {
  if (!context.openQuestion) return
  enqueue({ type: 'withdrawQuestions', params: { questionIds: [context.openQuestion.questionId] } })
})

/** The question of a lost session that no later one will take up. */
const withdrawLeft = task.enqueueActions(({ event, enqueue }) => {
  if (event.type !== 'session.ended' || !event.openQuestion) return
  enqueue({ type: 'withdrawQuestions', params: { questionIds: [event.openQuestion.questionId] } })
})

const stopMySession = task.enqueueActions(({ context, enqueue }) => {
  enqueue({ type: 'send', params: { to: context.sessionId ?? '', event: { type: 'stop' } } })
})

const passOverOthers = task.enqueueActions(({ event, enqueue }) => {
  if (event.type !== 'choose') return
  for (const to of event.others) enqueue({ type: 'send', params: { to, event: { type: 'passOver' } } })
})

export const unitTaskMachine = task.createMachine({
  id: 'unitTask',
  context: ({ input }) => ({ ...input, next: { prompt: input.prompt }, lostInARow: 0 }),
  initial: 'draft',
  states: {
    draft: {
      always: { guard: ({ context }) => context.start === true, target: 'queued' },
      on: {
        start: 'queued',
        editPrompt: {
          actions: assign(({ event }) => ({ prompt: event.prompt, next: { prompt: event.prompt } })),
        },
        stop: 'stopped',
        passOver: 'rejected',
      },
    },
    queued: {
      initial: 'forWorker',
      on: { stop: 'stopped', passOver: 'rejected', followUp: { actions: 'keepFollowUp' } },
      states: {
        forWorker: {
          entry: { type: 'requestWorker', params: ({ context }) => ({ taskId: context.taskId }) },
          on: {
            assign: {
              target: '#unitTask.in_progress',
              actions: [
                assign(({ context, event }) => ({
                  sessionId: event.sessionId,
                  error: undefined,
                  // A session that is lost before it begins has said it to nobody: the next one is told the same.
                  next: { ...context.next, prompt: toPrompt(context) },
                  unheard: undefined,
                })),
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
            stop: { target: '#unitTask.stopped', actions: [withdrawOpen, 'dropQuestion'] },
            passOver: { target: '#unitTask.rejected', actions: [withdrawOpen, 'dropQuestion'] },
            answered: {
              guard: 'isOpenQuestion',
              target: 'forWorker',
              actions: [{ type: 'recordAnswer', params: ({ event }) => event }, 'keepAnswer'],
            },
          },
        },
      },
    },
    in_progress: {
      initial: 'working',
      on: {
        'session.prepared': { guard: 'fromMySession', actions: 'keepPrepared' },
        followUp: { actions: 'keepFollowUp' },
        'session.ended': [
          { guard: 'completedTooSoon', target: 'queued', actions: ['keepSessionEnd', 'goOnWithUnheard', 'resetLost'] },
          {
            guard: { type: 'ended', params: 'completed' },
            target: 'in_review',
            actions: ['keepSessionEnd', 'resetLost'],
          },
          { guard: { type: 'ended', params: 'failed' }, target: 'failed', actions: ['keepSessionEnd', 'resetLost'] },
          { guard: { type: 'ended', params: 'stopped' }, target: 'stopped', actions: ['keepSessionEnd', 'resetLost'] },
          {
            guard: 'lostTooOften',
            target: 'failed',
            actions: ['keepSessionEnd', 'failAsLost', 'resetLost', withdrawLeft],
          },
          { guard: 'lostWithQuestion', target: 'queued.forAnswer', actions: ['keepSessionEnd', 'countLost'] },
          { guard: { type: 'ended', params: 'lost' }, target: 'queued', actions: ['keepSessionEnd', 'countLost'] },
        ],
        stop: { target: '.stopping', actions: stopMySession },
        passOver: { target: '.passedOver', actions: stopMySession },
      },
      states: {
        working: { on: { 'session.waiting': { guard: 'fromMySession', target: 'waiting' } } },
        waiting: { on: { 'session.working': { guard: 'fromMySession', target: 'working' } } },
        stopping: {
          on: {
            'session.ended': {
              guard: 'fromMySession',
              target: '#unitTask.stopped',
              actions: ['keepSessionEnd', 'resetLost', withdrawLeft],
            },
          },
        },
        passedOver: {
          on: {
            // It stops already, and then it is rejected.
            stop: 'passedOver',
            'session.ended': {
              guard: 'fromMySession',
              target: '#unitTask.rejected',
              actions: ['keepSessionEnd', 'resetLost', withdrawLeft],
            },
          },
        },
      },
    },
    in_review: {
      on: {
        approve: 'approved',
        choose: { target: 'approved', actions: passOverOthers },
        reject: 'rejected',
        passOver: 'rejected',
        changes: { target: 'queued', actions: 'keepChanges' },
        followUp: { target: 'queued', actions: ['keepFollowUp', 'goOnWithUnheard'] },
        stop: 'stopped',
      },
    },
    approved: {
      initial: 'ready',
      on: {
        choose: { actions: passOverOthers },
        merged: { target: 'done', actions: 'keepMerge' },
        followUp: { actions: 'keepFollowUp' },
      },
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
        choose: { actions: passOverOthers },
        followUp: { actions: 'keepFollowUp' },
        markDone: 'done',
        merged: { target: 'done', actions: 'keepMerge' },
        changes: { target: 'queued', actions: 'keepChanges' },
        reject: 'rejected',
        stop: 'stopped',
      },
    },
    rejected: {
      on: {
        followUp: { actions: 'keepFollowUp' },
        retry: { target: 'queued', actions: 'keepRetry' },
      },
    },
    stopped: {
      on: {
        followUp: { actions: 'keepFollowUp' },
        // Work that was stopped may be good enough; a person decides.
        approve: { target: 'approved', actions: assign({ error: undefined }) },
        retry: { target: 'queued', actions: 'keepRetry' },
        changes: { target: 'queued', actions: 'keepChanges' },
        reject: 'rejected',
        passOver: 'rejected',
        merged: { target: 'done', actions: 'keepMerge' },
      },
    },
    failed: {
      on: {
        followUp: { actions: 'keepFollowUp' },
        approve: { target: 'approved', actions: assign({ error: undefined }) },
        retry: { target: 'queued', actions: 'keepRetry' },
        changes: { target: 'queued', actions: 'keepChanges' },
        reject: 'rejected',
        passOver: 'rejected',
      },
    },
    done: { type: 'final' },
  },
})
