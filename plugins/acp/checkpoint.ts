/** What is remembered of a conversation: plain data, and as such its checkpoint. Pure. */
import type { JsonObject, RunEnd } from 'troupe/plugin'
import type { Request, RequestId } from './protocol.ts'
import { emptyTranscript, type Transcript } from './transcript.ts'
import type { Setting } from './session-offer.ts'

/** How far the conversation is. */
export type Stage =
  | { readonly kind: 'greeting' }
  /** What the agent says now is the past of the conversation; `answered` when some of it may come after the answer. */
  | { readonly kind: 'opening'; readonly answered?: Answered }
  | { readonly kind: 'setting'; readonly left: readonly Setting[] }
  | { readonly kind: 'turn' }
  | { readonly kind: 'ending'; readonly end: RunEnd }

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

export interface Remembered {
  readonly stage: Stage
  readonly introduction?: Introduction
  readonly agentSessionId?: string
  /** The agent has a mode of its own in which edits are not asked for. */
  readonly ownEdits: boolean
  /** How many requests were made; the next one's number. */
  readonly requests: number
  /** The request that is under way. It is remembered before it is written. */
  readonly pending?: Request
  /** Anything came since then that shows that it was. */
  readonly heardSince: boolean
  readonly transcript: Transcript
  /** What people said and is not yet passed on, oldest first. */
  readonly queue: readonly string[]
  /** What came too late. */
  readonly unheard: readonly string[]
  readonly lastFollowUp?: string
  readonly owed: readonly AgentRequest[]
  /** Anything came on its standard output. */
  readonly heard: boolean
  /** The end of what it printed as errors. */
  readonly stderr: string
}

/** Raised when `Remembered` changes. */
const VERSION = 1

export const beginning = (): Remembered => ({
  stage: { kind: 'greeting' },
  ownEdits: false,
  requests: 0,
  heardSince: false,
  transcript: emptyTranscript,
  queue: [],
  unheard: [],
  owed: [],
  heard: false,
  stderr: '',
})

export const toCheckpoint = (remembered: Remembered): object => ({ ...remembered, version: VERSION })

/** Undefined when another version of the plugin wrote it. */
export const fromCheckpoint = (checkpoint: unknown): Remembered | undefined =>
  isSaved(checkpoint) ? checkpoint : undefined

const isSaved = (value: unknown): value is Remembered =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === VERSION
