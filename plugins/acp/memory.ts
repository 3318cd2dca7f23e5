/** What is remembered of a conversation when it is continued: plain data. */
import type { JsonObject } from 'troupe/plugin'
import type { SavedCalls } from './calls.ts'
import type { RequestId } from './protocol.ts'
import { emptyTranscript, type Transcript } from './transcript.ts'
import type { Setting } from './session-offer.ts'

/** How far the conversation is. */
export type Stage =
  | { readonly kind: 'greeting' }
  /** What the agent says now is the past of the conversation; `answered` when some of it may come after the answer. */
  | { readonly kind: 'opening'; readonly answered?: Answered }
  | { readonly kind: 'setting'; readonly left: readonly Setting[] }
  | { readonly kind: 'turn' }

/** A request of ours that succeeded. */
export interface Answered {
  readonly method: string
  readonly result: JsonObject
}

/** What the agent waits for. */
export interface AgentRequest {
  readonly id: RequestId
  readonly kind: 'permission' | 'form'
  readonly params: JsonObject
}

/** What the agent said of itself. */
export interface Introduction {
  readonly name?: string
  readonly version?: string
  readonly canResume: boolean
  readonly canLoad: boolean
  readonly canClose: boolean
}

export interface Memory {
  readonly stage: Stage
  readonly introduction?: Introduction
  readonly agentSessionId?: string
  /** The agent has a mode of its own in which edits are not asked for. */
  readonly ownEdits: boolean
  readonly transcript: Transcript
  /** What people said and is not yet passed on, oldest first. */
  readonly queue: readonly string[]
  readonly calls: SavedCalls
  readonly owed: readonly AgentRequest[]
}

/** Raised when `Memory` changes. */
export const VERSION = 2

export const beginning: Memory = {
  stage: { kind: 'greeting' },
  ownEdits: false,
  transcript: emptyTranscript,
  queue: [],
  calls: { made: 0, hasArrived: false },
  owed: [],
}
