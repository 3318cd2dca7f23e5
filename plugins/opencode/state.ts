/** What is remembered between lines. A value: every line makes the next one from it. */
import type { AgentMessage, JsonObject, RunEnd, Usage } from 'troupe/plugin'

export type ErrorEnd = Extract<RunEnd, { kind: 'error' }>

/** OpenCode waits for the answer. Plain data, for a checkpoint. */
export interface AgentRequest {
  readonly kind: 'permission' | 'question'
  readonly id: string
  readonly properties: JsonObject
}

export interface ParseState {
  readonly agent: string
  readonly workDir: string
  /** The model that was wished. */
  readonly model?: string
  readonly opened?: {
    readonly sessionId: string
    /** Messages from before, in milliseconds of the server's clock, are not of this run. */
    readonly since: number
  }
  /** The user's messages of this run, in all conversations. */
  readonly userMessages: readonly string[]
  /** The last message to the agent, and whether it has replied to it. */
  readonly last?: { readonly id: string; readonly answered: boolean }
  /** Tool uses without a result, by the part's id. */
  readonly openTools: ReadonlyMap<string, string>
  /** What kind of text the parts are that are being written. */
  readonly writing: ReadonlyMap<string, 'text' | 'thinking'>
  readonly usage: Usage
  /** What the agent said last. */
  readonly lastText?: string
  /** The turn has failed. */
  readonly error?: ErrorEnd
}

export type ParsedEvent =
  | { readonly kind: 'message'; readonly message: AgentMessage }
  | { readonly kind: 'delta'; readonly type: 'text' | 'thinking'; readonly content: string }
  | { readonly kind: 'opened' }
  /** The conversation cannot be opened, or goes not on. */
  | { readonly kind: 'failed'; readonly end: ErrorEnd }
  | { readonly kind: 'ask'; readonly request: AgentRequest }
  | { readonly kind: 'withdraw'; readonly id: string }
  /** Something that was said is part of the conversation: the first that was not yet. */
  | { readonly kind: 'heard' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'idle' }

export interface Parsed {
  readonly state: ParseState
  readonly events: readonly ParsedEvent[]
}

export const beginState = (agent: string, workDir: string, model?: string): ParseState => ({
  agent,
  workDir,
  ...(model !== undefined && { model }),
  userMessages: [],
  openTools: new Map(),
  writing: new Map(),
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, costUsd: 0 },
})

export const only = (state: ParseState, ...events: ParsedEvent[]): Parsed => ({ state, events })

export const message = (content: AgentMessage): ParsedEvent => ({ kind: 'message', message: content })

/** Subagents have conversations of their own. */
export const isOwn = ({ opened }: ParseState, properties: JsonObject): boolean =>
  opened !== undefined && properties['sessionID'] === opened.sessionId

/** A tool use whose result never came is closed when the program has ended. */
export function closeTools(state: ParseState): Parsed {
  const events = [...state.openTools].map(([toolUseId, toolName]) =>
    message({ type: 'toolResult', toolUseId, toolName, output: 'OpenCode ended before the tool did.', success: false }),
  )
  return { state: { ...state, openTools: new Map() }, events }
}
