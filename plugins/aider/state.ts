/** What is remembered of a session between lines. Plain data: every line makes the next one from it. */
import type { AgentMessage, Usage } from 'troupe/plugin'
import type { Prompt } from './question.ts'

export interface ParseState {
  readonly agent: string
  readonly workDir: string
  readonly conversation: string
  readonly version?: string
  readonly started: boolean
  /** Of all turns. */
  readonly usage: Usage
  /** Tool uses so far; each has its number as its id. */
  readonly tools: number
  /** What is known of the turn that runs. */
  readonly turn: Turn
}

export interface Turn {
  /** The questions that Aider waits for. */
  readonly prompts: readonly Prompt[]
  /** What was said last, by the model or Aider. */
  readonly words?: string
  /** What the model said last. */
  readonly reply?: string
  /** A command runs, as the tool use of this id; what is printed is its output. */
  readonly command?: { readonly id: string; readonly output: string }
  /** The user allowed commands. */
  readonly commandsAllowed: boolean
  /** The last question to which a person said what they want instead. */
  readonly remarked: number
  /** The last error of the model service. */
  readonly fault?: Fault
  /** The lines after an error explain it. */
  readonly explaining: boolean
  /** Aider does not know a model, or has no key. */
  readonly noModel: boolean
  /** Aider gave up after several tries. */
  readonly gaveUp: boolean
  /** By its own record: it asks the model and has no reply yet. */
  readonly asking: boolean
  /** By its own record, how often it has had a reply. */
  readonly replies: number
  /** By its own record: it failed. */
  readonly failure?: string
  readonly missing: boolean
  readonly heard: boolean
  readonly stderr: string
}

export interface Fault {
  /** The library's name for it, for example `RateLimitError`. */
  readonly name: string
  readonly text: string
}

export type ParsedEvent =
  | { readonly kind: 'message'; readonly message: AgentMessage }
  | { readonly kind: 'ask'; readonly prompt: Prompt }
  | { readonly kind: 'withdraw'; readonly number: number }

export interface Parsed {
  readonly state: ParseState
  readonly events: readonly ParsedEvent[]
}

export const newTurn: Turn = {
  prompts: [],
  commandsAllowed: false,
  remarked: 0,
  explaining: false,
  noModel: false,
  gaveUp: false,
  asking: false,
  replies: 0,
  missing: false,
  heard: false,
  stderr: '',
}

export const beginState = (agent: string, workDir: string, conversation: string): ParseState => ({
  agent,
  workDir,
  conversation,
  started: false,
  usage: { inputTokens: 0, outputTokens: 0, costUsd: 0 },
  tools: 0,
  turn: newTurn,
})

export const message = (content: AgentMessage): ParsedEvent => ({ kind: 'message', message: content })

export const inTurn = (state: ParseState, change: Partial<Turn>): ParseState => ({
  ...state,
  turn: { ...state.turn, ...change },
})
