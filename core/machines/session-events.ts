/** What an agent session knows, and what can happen to it. */
import type { ErrorEnvelope } from '../base/errors.ts'
import type { Usage } from '../contract/messages.ts'
import type { SessionOutcome } from '../contract/statuses.ts'
import type { AskedQuestion } from './effects.ts'

export interface SessionInput {
  readonly sessionId: string
  readonly taskId: string
  readonly workerId: string
  readonly prompt: string
  readonly resume?: string | undefined
  readonly totalMs: number
}

export interface SessionContext extends SessionInput {
  readonly questions: readonly AskedQuestion[]
  readonly agentSessionId?: string
  readonly started: boolean
  readonly endCommit?: string
  readonly unheard?: readonly string[]
  readonly usage?: Usage
  readonly error?: ErrorEnvelope
}

export type SessionEvent =
  // from people, by way of the handlers
  | { readonly type: 'stop' }
  | { readonly type: 'answered'; readonly questionId: string; readonly answer: string; readonly by: string }
  | { readonly type: 'message'; readonly content: string; readonly by: string }
  // from the runner
  | { readonly type: 'preparing' }
  | { readonly type: 'prepared'; readonly worktreePath: string; readonly baseCommit: string }
  | { readonly type: 'started'; readonly agentSessionId?: string }
  | { readonly type: 'asked'; readonly question: AskedQuestion }
  | { readonly type: 'withdrawn'; readonly questionId: string }
  | {
      readonly type: 'ended'
      readonly outcome: SessionOutcome
      readonly error?: ErrorEnvelope
      readonly usage?: Usage
      readonly endCommit?: string
      readonly unheard?: readonly string[]
    }
  // deadlines
  | { readonly type: 'totalTimeout' }
