/**
 * What a machine may ask for, by name. `records` are written in the transaction of the step; `effects` run after its
 * commit, at least once (E3).
 */
import type { ErrorEnvelope } from '../base/errors.ts'
import type { QuestionKind, QuestionOption } from '../contract/messages.ts'
import type { MergeStrategy } from '../contract/statuses.ts'
import type { SessionInput } from './session-events.ts'

export type MachineName = 'unitTask' | 'agentSession'

export interface AskedQuestion {
  readonly questionId: string
  readonly kind: QuestionKind
  readonly question: string
  readonly options?: readonly QuestionOption[]
  readonly multiple?: boolean
}

/** An event as it is stored and sent: plain data. */
export interface ActorEvent {
  readonly type: string
  readonly [field: string]: unknown
}

export interface Records {
  /** Makes another actor, with its first effects, in the same commit. */
  spawn: { machine: 'agentSession'; id: string; input: SessionInput }
  recordQuestion: { sessionId: string; taskId: string; question: AskedQuestion }
  recordAnswer: { questionId: string; answer: string; by: string }
  withdrawQuestions: { questionIds: readonly string[] }
}

export interface Effects {
  /** Delivers an event to another actor, once. */
  send: { to: string; event: ActorEvent }
  requestWorker: { taskId: string }
  startSession: { sessionId: string }
  stopSession: { sessionId: string; error?: ErrorEnvelope | undefined }
  deliverAnswer: { sessionId: string; questionId: string; answer: string; by: string }
  deliverMessage: { sessionId: string; taskId: string; content: string; by: string }
  mergeTask: { taskId: string; strategy: MergeStrategy; message?: string | undefined }
}

export type RecordName = keyof Records
export type EffectName = keyof Effects

const RECORD_NAMES: Record<RecordName, true> = {
  spawn: true,
  recordQuestion: true,
  recordAnswer: true,
  withdrawQuestions: true,
}

export const isRecordName = (name: string): name is RecordName => Object.hasOwn(RECORD_NAMES, name)

type Declared<Names> = { [Name in keyof Names]: (machine: unknown, params: Names[Name]) => void }

/** XState wants an implementation for each action; ours only name what the engine does. */
const declare = () => {}
export const declaredActions: Declared<Records> & Declared<Effects> = {
  spawn: declare,
  recordQuestion: declare,
  recordAnswer: declare,
  withdrawQuestions: declare,
  send: declare,
  requestWorker: declare,
  startSession: declare,
  stopSession: declare,
  deliverAnswer: declare,
  deliverMessage: declare,
  mergeTask: declare,
}
