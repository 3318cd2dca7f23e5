/** The queryable columns of an actor, computed from its state: one place decides what a status is. */
import type { ErrorEnvelope } from '../base/errors.ts'
import type { Usage } from '../contract/messages.ts'
import {
  sessionOutcome,
  sessionStatus,
  taskStatus,
  type SessionOutcome,
  type SessionStatus,
  type TaskStatus,
  type WaitingFor,
} from '../contract/statuses.ts'
import type { ActorState, SessionState, TaskState } from './step.ts'

export interface TaskColumns {
  readonly status: TaskStatus
  readonly waitingFor: WaitingFor | null
  readonly prompt: string
  readonly sessionId: string | null
  readonly worktreePath: string | null
  readonly baseCommit: string | null
  readonly endCommit: string | null
  readonly mergeCommit: string | null
  readonly linkedPrUrl: string | null
  readonly error: ErrorEnvelope | null
}

export interface SessionColumns {
  readonly status: SessionStatus
  readonly outcome: SessionOutcome | null
  readonly agentSessionId: string | null
  readonly usage: Usage | null
  readonly error: ErrorEnvelope | null
}

/** From the outermost state to the innermost, for example `['in_progress', 'waiting']`. */
function path(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  return Object.entries(value as Record<string, unknown>).flatMap(([state, inner]) => [state, ...path(inner)])
}

const WAITING: Readonly<Record<string, WaitingFor>> = {
  'queued.forWorker': 'worker',
  'queued.forAnswer': 'input',
  'in_progress.waiting': 'input',
}

export const taskStatusOf = (state: ActorState): TaskStatus => taskStatus.parse(path(state.value)[0])

export function taskColumns(state: TaskState): TaskColumns {
  const { context } = state
  return {
    status: taskStatusOf(state),
    waitingFor: WAITING[path(state.value).join('.')] ?? null,
    prompt: context.prompt,
    sessionId: context.sessionId ?? null,
    worktreePath: context.worktreePath ?? null,
    baseCommit: context.baseCommit ?? null,
    endCommit: context.endCommit ?? null,
    mergeCommit: context.mergeCommit ?? null,
    linkedPrUrl: context.linkedPrUrl ?? null,
    error: context.error ?? null,
  }
}

export function sessionColumns(state: SessionState): SessionColumns {
  const { context } = state
  const status = sessionStatus.parse(path(state.value).at(-1))
  const outcome = sessionOutcome.safeParse(status)
  return {
    status,
    outcome: outcome.success ? outcome.data : null,
    agentSessionId: context.agentSessionId ?? null,
    usage: context.usage ?? null,
    error: context.error ?? null,
  }
}

/** The status of any actor. */
export const statusOf = (state: ActorState): string =>
  state.machine === 'unitTask' ? taskColumns(state).status : sessionColumns(state).status
