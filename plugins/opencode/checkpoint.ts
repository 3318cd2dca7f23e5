/** What is remembered of a conversation when it is continued. Pure. */
import type { PermissionMode, RunEnd } from 'troupe/plugin'
import type { SavedSayings } from './sayings.ts'
import { type AgentRequest, type ParseState, beginState } from './state.ts'

type Complete = Extract<RunEnd, { kind: 'complete' }>

/** How far a conversation is, as far as a continued session needs it; a stop is asked for again by the host. */
export type SavedPhase =
  | { readonly kind: 'opening' }
  | { readonly kind: 'talking' }
  /** OpenCode is idle, and something that was said may still begin a turn. */
  | { readonly kind: 'between' }
  /** A person is asked about the plan, which is the end of the run unless it is approved. */
  | { readonly kind: 'planned'; readonly end: Complete; readonly plan: number }
  | { readonly kind: 'ending'; readonly end: RunEnd }

export interface Remembered {
  readonly state: ParseState
  readonly phase: SavedPhase
  readonly mode: PermissionMode
  readonly sayings: SavedSayings
  readonly requests: readonly AgentRequest[]
  /** Plans so far. */
  readonly plans: number
  /** Anything came on its standard output. */
  readonly heard: boolean
  /** The end of what it printed as errors. */
  readonly stderr: string
  /** The follow-up that was taken last. */
  readonly lastFollowUp?: string
}

/** Raised when `Remembered` changes. */
const VERSION = 1

type Pairs<Value> = readonly (readonly [string, Value])[]

interface Saved extends Omit<Remembered, 'state'> {
  readonly version: number
  readonly state: Omit<ParseState, 'openTools' | 'writing'> & {
    readonly openTools: Pairs<string>
    readonly writing: Pairs<'text' | 'thinking'>
  }
}

export const toCheckpoint = ({ state, ...remembered }: Remembered): Saved => ({
  ...remembered,
  version: VERSION,
  state: { ...state, openTools: [...state.openTools], writing: [...state.writing] },
})

export const beginning = ({
  agent,
  workDir,
  model,
  permissionMode,
}: {
  agent: string
  workDir: string
  model?: string
  permissionMode: PermissionMode
}): Remembered => ({
  state: beginState(agent, workDir, model),
  phase: { kind: 'opening' },
  mode: permissionMode,
  sayings: { open: [], missed: [] },
  requests: [],
  plans: 0,
  heard: false,
  stderr: '',
})

/** Undefined when another version of the plugin wrote it. */
export function fromCheckpoint(checkpoint: unknown): Remembered | undefined {
  if (!isSaved(checkpoint)) return undefined
  const { version: _, state, ...saved } = checkpoint
  return { ...saved, state: { ...state, openTools: new Map(state.openTools), writing: new Map(state.writing) } }
}

const isSaved = (value: unknown): value is Saved =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === VERSION
