/** What an agent says, as parsers of its output make it. Pure. */
import type { AgentMessage } from './io.ts'

/** A message, or a live fragment of one to come. */
export type Spoken =
  | { readonly kind: 'message'; readonly message: AgentMessage }
  | { readonly kind: 'delta'; readonly type: 'text' | 'thinking'; readonly content: string }

/** What one line led to: what is remembered from then on, and what follows from it, in order. */
export interface Parsed<State, Event = Spoken> {
  readonly state: State
  readonly events: readonly Event[]
}

export const message = (content: AgentMessage): Spoken => ({ kind: 'message', message: content })

/** Keeps what has no place among the messages. A line that only ends is nothing. */
export const raw = (content: string): Spoken[] =>
  content.trim() === '' ? [] : [message({ type: 'raw', stream: 'stdout', content })]

/** A tool use without a result yet. */
export interface OpenTool {
  readonly toolUseId: string
  readonly toolName: string
}

/** The results of tool uses whose own never came. */
export const closeTools = (tools: readonly OpenTool[], output: string): Spoken[] =>
  tools.map(({ toolUseId, toolName }) => message({ type: 'toolResult', toolUseId, toolName, output, success: false }))
