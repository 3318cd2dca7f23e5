/** What is remembered of a conversation when it is continued: plain data. */
import type { RunEnd, Session } from 'troupe/plugin'
import { toLineId } from './line-id.ts'
import type { SavedPrompts } from './prompts.ts'
import { type AgentRequest, type ParseState, beginState } from './state.ts'

export type Phase =
  | { readonly kind: 'talking' }
  /** A result came, and a message is still to be taken up. */
  | { readonly kind: 'between'; readonly end: RunEnd }

export interface Memory {
  readonly state: ParseState
  readonly phase: Phase
  readonly prompts: SavedPrompts
  readonly requests: readonly AgentRequest[]
}

/** Raised when `Memory` changes. */
export const VERSION = 2

export const beginning = ({ agent, workDir, sessionId }: Session): Memory => ({
  state: beginState(agent, workDir),
  phase: { kind: 'talking' },
  prompts: { reported: false, open: [[toLineId(`${sessionId}/prompt`), { stage: 'sent' }]], early: [] },
  requests: [],
})
