/** What is remembered between lines. A value: every line makes the next one from it. */
import type { AgentMessage, Json, JsonObject, RunEnd, Usage } from 'troupe/plugin'

export interface ParseState {
  readonly agent: string
  readonly workDir: string
  /** The conversation that was announced by a `start` message. */
  readonly agentSessionId?: string
  /** Tool uses without a result yet: id to the name of the tool. */
  readonly openTools: ReadonlyMap<string, string>
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
  | { readonly kind: 'message'; readonly message: AgentMessage }
  | { readonly kind: 'delta'; readonly type: 'text' | 'thinking'; readonly content: string }
  | { readonly kind: 'request'; readonly request: AgentRequest }
  | { readonly kind: 'withdraw'; readonly requestId: string }
  | { readonly kind: 'turnBegin' }
  | { readonly kind: 'fate'; readonly id: string; readonly fate: Fate }
  | { readonly kind: 'turnEnd'; readonly end: RunEnd }

export interface Parsed {
  readonly state: ParseState
  readonly events: readonly ParsedEvent[]
}

export const beginState = (agent: string, workDir: string): ParseState => ({
  agent,
  workDir,
  openTools: new Map(),
  usage: { inputTokens: 0, outputTokens: 0 },
})

export const message = (content: AgentMessage): ParsedEvent => ({ kind: 'message', message: content })

/** Keeps what has no place in the union (L6). */
export const raw = (content: string, stream = 'stdout'): ParsedEvent => message({ type: 'raw', stream, content })

/** A tool use whose result never came is closed when its turn ends. */
export function closeTools(state: ParseState): Parsed {
  const events = [...state.openTools].map(([toolUseId, toolName]) =>
    message({ type: 'toolResult', toolUseId, toolName, output: 'The turn ended before the tool did.', success: false }),
  )
  return { state: { ...state, openTools: new Map() }, events }
}

/** Text of a tool's result: blocks of text are joined, anything else stays as it is. */
export function toOutput(content: Json | undefined, blocks: readonly JsonObject[]): Json {
  const texts = blocks.flatMap(({ type, text }) => (type === 'text' && typeof text === 'string' ? [text] : []))
  return blocks.length > 0 && texts.length === blocks.length ? texts.join('\n') : (content ?? '')
}
