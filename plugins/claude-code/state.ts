/** What is remembered between lines. A value: every line makes the next one from it. */
import {
  type Ask,
  type Json,
  type JsonObject,
  type OpenTool,
  type Parsed as ParsedAs,
  type RunEnd,
  type Spoken,
  type Usage,
  closeTools,
} from 'troupe/plugin'

export interface ParseState {
  readonly agent: string
  readonly workDir: string
  /** The conversation that was announced by a `start` message. */
  readonly agentSessionId?: string
  readonly openTools: readonly OpenTool[]
  /** Summed over the results of this process. */
  readonly usage: Usage
  /** Claude Code's own name for the last error of the model service in this turn, for example `rate_limit`. */
  readonly apiError?: string
  /** When the used-up quota is full again; ISO 8601, UTC. */
  readonly quotaResetsAt?: string
}

/** Claude Code asks before it uses a tool; the tool AskUserQuestion is how it asks anything else. */
export interface PermissionRequest {
  readonly kind: 'permission'
  readonly requestId: string
  readonly toolName: string
  readonly input: JsonObject
  /** Why it asks, if it says so. */
  readonly reason?: string
  /** It comes from a checkpoint, in which secrets are masked: only Claude Code has its input whole. */
  readonly restored?: true
  /** What people are asked, where a checkpoint has that in place of the input. */
  readonly asks?: readonly Ask[]
  /** Rules that would make further questions of this kind unnecessary, as Claude Code proposes them. */
  readonly suggestions: readonly JsonObject[]
}

/** It wants something from its host that Troupe does not offer. */
export interface UnsupportedRequest {
  readonly kind: 'unsupported'
  readonly requestId: string
  readonly subtype: string
}

/** What Claude Code waits for an answer to. */
export type AgentRequest = PermissionRequest | UnsupportedRequest

/** What became of a message that was sent to Claude Code. */
export type Fate = 'queued' | 'started' | 'completed' | 'dropped'

export type ParsedEvent =
  | Spoken
  | { readonly kind: 'request'; readonly request: AgentRequest }
  | { readonly kind: 'withdraw'; readonly requestId: string }
  | { readonly kind: 'turnBegin' }
  | { readonly kind: 'fate'; readonly id: string; readonly fate: Fate }
  | { readonly kind: 'turnEnd'; readonly end: RunEnd }

export type Parsed = ParsedAs<ParseState, ParsedEvent>

export const beginState = (agent: string, workDir: string): ParseState => ({
  agent,
  workDir,
  openTools: [],
  usage: { inputTokens: 0, outputTokens: 0 },
})

export const only = (state: ParseState, ...events: ParsedEvent[]): Parsed => ({ state, events })

/** A tool use whose result never came is closed when its turn ends. */
export const closeState = (state: ParseState): Parsed =>
  only({ ...state, openTools: [] }, ...closeTools(state.openTools, 'The turn ended before the tool did.'))

/** Text of a tool's result: blocks of text are joined, anything else stays as it is. */
export function toOutput(content: Json | undefined, blocks: readonly JsonObject[]): Json {
  const texts = blocks.flatMap(({ type, text }) => (type === 'text' && typeof text === 'string' ? [text] : []))
  return blocks.length > 0 && texts.length === blocks.length ? texts.join('\n') : (content ?? '')
}
