/** What is remembered of a conversation when it is continued. Pure. */
import type { RunEnd } from 'troupe/plugin'
import type { SavedSayings } from './sayings.ts'
import { type AgentRequest, type ParseState, beginState } from './state.ts'

/** How far a conversation is, as far as a continued session needs it; a stop is asked for again by the host. */
export type SavedPhase =
  | { readonly kind: 'greeting' }
  | { readonly kind: 'signingIn' }
  | { readonly kind: 'opening' }
  /** `turnId` is missing between what was said and the turn that it begins. */
  | { readonly kind: 'talking'; readonly turnId?: string }
  /** A turn has ended, and something said, or an answer of a person, is still to begin another. */
  | { readonly kind: 'between'; readonly end: RunEnd }
  | { readonly kind: 'ending'; readonly end: RunEnd }

export interface Remembered {
  readonly state: ParseState
  readonly phase: SavedPhase
  readonly sayings: SavedSayings
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
  readonly state: Omit<ParseState, 'openTools'> & {
    readonly openTools: readonly (readonly [string, { toolName: string; subject: string }])[]
  }
}

export const toCheckpoint = (remembered: Remembered): Saved => ({
  ...remembered,
  version: VERSION,
  state: { ...remembered.state, openTools: [...remembered.state.openTools] },
})

export const beginning = (agent: string, workDir: string): Remembered => ({
  state: beginState(agent, workDir),
  phase: { kind: 'greeting' },
  sayings: [],
  requests: [],
  heard: false,
  stderr: '',
})

/** Undefined when another version of the plugin wrote it. */
export function fromCheckpoint(checkpoint: unknown): Remembered | undefined {
  if (!isSaved(checkpoint)) return undefined
  const { version: _, ...saved } = checkpoint
  return { ...saved, state: { ...saved.state, openTools: new Map(saved.state.openTools) } }
}

const isSaved = (value: unknown): value is Saved =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === VERSION
