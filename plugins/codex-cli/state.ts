/** What is remembered between lines. A value: every line makes the next one from it. */
import {
  type JsonObject,
  type OpenTool,
  type Parsed as ParsedAs,
  type RunEnd,
  type Spoken,
  closeTools,
} from 'troupe/plugin'
import type { Opened } from './modes.ts'
import type { RequestId } from './protocol.ts'
import type { Counts } from './usage.ts'

/** A tool use without a result yet. */
export interface CodexTool extends OpenTool {
  /** What it does, as a person who is asked about it needs to know. */
  readonly subject: string
}

export interface ParseState {
  readonly agent: string
  readonly workDir: string
  readonly agentVersion?: string
  readonly opened?: Opened
  /** A turn of this session has begun. */
  readonly begun?: boolean
  /** Commands go on running between turns, so their results may come in a later one. */
  readonly openTools: readonly CodexTool[]
  readonly counts: Counts
  /** What the agent said last in this turn. */
  readonly lastText?: string
  /** The last plan of this turn. */
  readonly plan?: { readonly id: string; readonly text: string }
  /** When the used-up quota is full again; ISO 8601, UTC. */
  readonly quotaResetsAt?: string
}

/** Codex waits for the answer to a request of its own. */
export interface ServerRequest {
  readonly kind: 'request'
  readonly id: RequestId
  readonly method: string
  readonly params: JsonObject
  /** What the tool use does that it is about. */
  readonly subject: string
}

/** It asks in its words and does not wait; the answer is said to it. */
export interface OpenQuestion {
  readonly kind: 'plan' | 'question'
  readonly id: string
  readonly question: string
  readonly options: readonly string[]
}

export type AgentRequest = ServerRequest | OpenQuestion

export type ParsedEvent =
  | Spoken
  | { readonly kind: 'greeted' }
  | { readonly kind: 'signedIn' }
  | { readonly kind: 'opened' }
  /** The conversation cannot be opened. */
  | { readonly kind: 'failed'; readonly end: RunEnd }
  | { readonly kind: 'ask'; readonly request: AgentRequest }
  | { readonly kind: 'withdraw'; readonly id: RequestId }
  /** What was said belongs to this turn, or is refused for this reason. */
  | { readonly kind: 'accepted'; readonly id: string; readonly turnId?: string; readonly reason?: string }
  /** What was said is part of the conversation. */
  | { readonly kind: 'heard'; readonly id: string }
  | { readonly kind: 'echo'; readonly id: string }
  | { readonly kind: 'cleaned' }
  | { readonly kind: 'turnBegin'; readonly turnId: string }
  | { readonly kind: 'turnEnd'; readonly turnId: string; readonly end: RunEnd }

export type Parsed = ParsedAs<ParseState, ParsedEvent>

export const beginState = (agent: string, workDir: string): ParseState => ({
  agent,
  workDir,
  openTools: [],
  counts: {},
})

export const only = (state: ParseState, ...events: ParsedEvent[]): Parsed => ({ state, events })

/** A tool use whose result never came is closed when the program has ended. */
export const closeState = (state: ParseState): Parsed =>
  only({ ...state, openTools: [] }, ...closeTools(state.openTools, 'Codex ended before the tool did.'))
