/** What a unit task knows, and what can happen to it. */
import type { ErrorEnvelope } from '../base/errors.ts'
import type { MergeStrategy, SessionOutcome } from '../contract/statuses.ts'
import type { AskedQuestion } from './effects.ts'
import type { NextPrompt } from './prompts.ts'

export interface TaskInput {
  readonly taskId: string
  readonly prompt: string
  /** Milliseconds a session may run in all; 0 is for ever. */
  readonly totalMs: number
  /** It is queued at once instead of being a draft. */
  readonly start?: boolean
  /** Where its work begins; without it, where the base branch is when its first session begins. */
  readonly baseCommit?: string
}

export interface TaskContext extends TaskInput {
  readonly next: NextPrompt
  readonly sessionId?: string
  readonly agentSessionId?: string
  readonly lostInARow: number
  /** What people said too late for the last session; the next one starts with it. */
  readonly unheard?: readonly string[]
  /** Whether the last session that ended had said its prompt to the agent; unknown in tasks of older versions. */
  readonly begun?: boolean
  /** A question that a lost session left open; its answer starts the next session. */
  readonly openQuestion?: AskedQuestion
  readonly worktreePath?: string
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
  /** It is the best of several attempts: it is approved, and these others are passed over. */
  | { readonly type: 'choose'; readonly others: readonly string[] }
  /** Another attempt was chosen. */
  | { readonly type: 'passOver' }
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
  | {
      readonly type: 'merged'
      readonly commit: string
      readonly endCommit: string
      /** Folders on the base branch that could not follow it. */
      readonly leftBehind?: readonly string[]
    }
  | { readonly type: 'mergeRefused'; readonly error: ErrorEnvelope }
