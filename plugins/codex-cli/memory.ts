/** What is remembered of a conversation when it is continued: plain data. */
import type { RunEnd, Session } from 'troupe/plugin'
import type { SavedSayings } from './sayings.ts'
import { type AgentRequest, type ParseState, beginState } from './state.ts'

export type Phase =
  /** The requests before the work. */
  | { readonly kind: 'greeting' | 'signingIn' | 'opening' }
  /** `turnId` is missing between what was said and the turn that it begins. */
  | { readonly kind: 'talking'; readonly turnId?: string }
  /** A turn has ended, and something said, or an answer of a person, is still to begin another. */
  | { readonly kind: 'between'; readonly end: RunEnd }

export interface Memory {
  readonly state: ParseState
  readonly phase: Phase
  readonly sayings: SavedSayings
  readonly requests: readonly AgentRequest[]
}

/** Raised when `Memory` changes. */
export const VERSION = 2

export const beginning = ({ agent, workDir, sessionId, permissionMode }: Session): Memory => ({
  state: beginState(agent, workDir),
  phase: { kind: 'greeting' },
  sayings: [[`${sessionId}/prompt`, { saying: { followUp: false, mode: permissionMode }, stage: { kind: 'sent' } }]],
  requests: [],
})
