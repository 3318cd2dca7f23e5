/** What is remembered of a conversation when it is continued: plain data. */
import type { PermissionMode, RunEnd, Session } from 'troupe/plugin'
import type { Said } from './sayings.ts'
import { type AgentRequest, type ParseState, beginState } from './state.ts'

export type Phase =
  | { readonly kind: 'opening' }
  | { readonly kind: 'talking' }
  /** OpenCode is idle, and something that was said may still begin a turn. */
  | { readonly kind: 'between' }
  /** A person is asked about the plan, by the request of this id. It is the end of the run unless it is approved. */
  | { readonly kind: 'planned'; readonly end: Extract<RunEnd, { kind: 'complete' }>; readonly id: string }

export interface Memory {
  readonly state: ParseState
  readonly phase: Phase
  readonly mode: PermissionMode
  /** What was said and is not part of the conversation yet, oldest first. */
  readonly sayings: readonly Said[]
  readonly requests: readonly AgentRequest[]
}

/** Raised when `Memory` changes. */
export const VERSION = 2

export const beginning = ({ agent, workDir, model, sessionId, permissionMode }: Session): Memory => ({
  state: beginState(agent, workDir, model),
  phase: { kind: 'opening' },
  mode: permissionMode,
  sayings: [{ id: `${sessionId}/prompt`, followUp: false, mode: permissionMode }],
  requests: [],
})
