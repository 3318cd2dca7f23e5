/** What is remembered between lines. A value: every line makes the next one from it. */
import {
  type JsonObject,
  type OpenTool,
  type Parsed as ParsedAs,
  type RunEnd,
  type Spoken,
  type Usage,
  closeTools,
} from 'troupe/plugin'

export type ErrorEnd = Extract<RunEnd, { kind: 'error' }>

/** What OpenCode waits for; of a plan it does not know. Plain data, for a checkpoint. */
export interface AgentRequest {
  readonly kind: 'permission' | 'question' | 'plan'
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
  readonly openTools: readonly OpenTool[]
  /** The parts that are being written. */
  readonly writing: readonly { readonly id: string; readonly type: 'text' | 'thinking' }[]
  readonly usage: Usage
  /** What the agent said last. */
  readonly lastText?: string
  /** The turn has failed. */
  readonly error?: ErrorEnd
}

export type ParsedEvent =
  | Spoken
  | { readonly kind: 'opened' }
  /** The conversation cannot be opened, or goes not on. */
  | { readonly kind: 'failed'; readonly end: ErrorEnd }
  | { readonly kind: 'ask'; readonly request: AgentRequest }
  | { readonly kind: 'withdraw'; readonly id: string }
  /** Something that was said is part of the conversation: the first that was not yet. */
  | { readonly kind: 'heard' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'idle' }

export type Parsed = ParsedAs<ParseState, ParsedEvent>

export const beginState = (agent: string, workDir: string, model?: string): ParseState => ({
  agent,
  workDir,
  ...(model !== undefined && { model }),
  userMessages: [],
  openTools: [],
  writing: [],
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, costUsd: 0 },
})

export const only = (state: ParseState, ...events: ParsedEvent[]): Parsed => ({ state, events })

/** Subagents have conversations of their own. */
export const isOwn = ({ opened }: ParseState, properties: JsonObject): boolean =>
  opened !== undefined && properties['sessionID'] === opened.sessionId

/** A tool use whose result never came is closed when the program has ended. */
export const closeState = (state: ParseState): Parsed =>
  only({ ...state, openTools: [] }, ...closeTools(state.openTools, 'OpenCode ended before the tool did.'))
