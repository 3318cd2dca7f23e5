/** What is remembered of a session when it is continued. Plain data. */
import type { PermissionMode, RunEnd } from 'troupe/plugin'
import { type ParseState, beginState, newTurn } from './state.ts'

/** Something to say to Aider in a turn of its own. */
export interface Saying {
  /** Undefined for the prompt of the task. */
  readonly text?: string
  readonly mode: PermissionMode
}

export type Phase =
  /** The turn is not begun: it may have to be asked whether it may be. */
  | { readonly kind: 'due'; readonly saying: Saying }
  | { readonly kind: 'running'; readonly saying: Saying; readonly ownCache: boolean }
  /** A person is asked about the plan, which is the end of the run unless it is approved. */
  | { readonly kind: 'planned'; readonly end: Extract<RunEnd, { kind: 'complete' }> }
  | { readonly kind: 'over'; readonly end: RunEnd }

export interface Remembered {
  readonly state: ParseState
  readonly phase: Phase
  /** Counted from 0. Each turn is a process of the session. */
  readonly turn: number
  /** What people said since the turn began, oldest first. */
  readonly said: readonly string[]
  /** The follow-up that was taken last. */
  readonly lastFollowUp?: string
}

/** Raised when `Remembered` changes. */
const VERSION = 1

export interface Saved extends Remembered {
  readonly version: number
}

export const toCheckpoint = (remembered: Remembered): Saved => ({ ...remembered, version: VERSION })

export const beginning = (session: {
  readonly agent: string
  readonly workDir: string
  readonly sessionId: string
  readonly permissionMode: PermissionMode
  readonly resume?: { readonly agentSessionId: string }
}): Remembered => ({
  state: beginState(session.agent, session.workDir, session.resume?.agentSessionId ?? session.sessionId),
  phase: { kind: 'due', saying: { mode: session.permissionMode } },
  turn: 0,
  said: [],
})

/** The next turn, in which `saying` is said. */
export const nextTurn = (before: Remembered, saying: Saying): Remembered => ({
  ...before,
  state: { ...before.state, turn: newTurn },
  phase: { kind: 'due', saying },
  turn: before.turn + 1,
})

/** Undefined when another version of the plugin wrote it. */
export function fromCheckpoint(checkpoint: unknown): Remembered | undefined {
  if (!isSaved(checkpoint)) return undefined
  const { version: _, ...saved } = checkpoint
  return saved
}

const isSaved = (value: unknown): value is Saved =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === VERSION
