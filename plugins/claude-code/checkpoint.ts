/** What is remembered of a conversation when it is continued. Pure. */
import type { RunEnd } from 'troupe/plugin'
import type { SavedPrompts } from './prompts.ts'
import { type AgentRequest, type ParseState, beginState } from './state.ts'

/** How far a conversation is, as far as a continued session needs it; a stop is asked for again by the host. */
export type SavedPhase =
  | { readonly kind: 'talking' }
  /** A result came, and a message is still to be taken up. */
  | { readonly kind: 'between'; readonly end: RunEnd }
  | { readonly kind: 'ending'; readonly end: RunEnd }

export interface Remembered {
  readonly state: ParseState
  readonly phase: SavedPhase
  readonly prompts: SavedPrompts
  readonly requests: readonly AgentRequest[]
  /** Anything came on its standard output. */
  readonly heard: boolean
  /** The end of what it printed as errors. */
  readonly stderr: string
  /** The follow-up that was taken last. */
  readonly lastFollowUp?: string
}

/** Raised when `Remembered` changes. */
const VERSION = 1

interface Saved extends Omit<Remembered, 'state'> {
  readonly version: number
  readonly state: Omit<ParseState, 'openTools'> & { readonly openTools: readonly (readonly [string, string])[] }
}

export const toCheckpoint = (remembered: Remembered): Saved => ({
  ...remembered,
  version: VERSION,
  state: { ...remembered.state, openTools: [...remembered.state.openTools] },
})

export const beginning = (agent: string, workDir: string): Remembered => ({
  state: beginState(agent, workDir),
  phase: { kind: 'talking' },
  prompts: { reported: false, open: [], early: [] },
  requests: [],
  heard: false,
  stderr: '',
})

/** Undefined when another version of the plugin wrote it. */
export function fromCheckpoint(checkpoint: unknown): Remembered | undefined {
  if (!isSaved(checkpoint)) return undefined
  const { version: _, ...saved } = checkpoint
  const requests = saved.requests.map(toRestored)
  return { ...saved, requests, state: { ...saved.state, openTools: new Map(saved.state.openTools) } }
}

const toRestored = (request: AgentRequest): AgentRequest =>
  request.kind === 'permission' ? { ...request, restored: true } : request

const isSaved = (value: unknown): value is Saved =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === VERSION
