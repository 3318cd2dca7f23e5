/** What is remembered of a session: plain data, and as such its checkpoint. Pure. */
import type { RunEnd, Session } from 'troupe/plugin'
import { beginState, type ParseState } from './parse.ts'

export interface Remembered {
  /** Counts the turns, each a process, from 0. */
  readonly turn: number
  readonly prompt: string
  /** Folders of the repository from which Amp may run code (see trust.ts). */
  readonly allowed: readonly string[]
  /** How the turn ended, once it did. */
  readonly end?: RunEnd
  readonly state: ParseState
  /** What people said and is not yet passed on, oldest first. */
  readonly queue: readonly string[]
  readonly lastFollowUp?: string
  /** Anything came on the standard output of this turn's process. */
  readonly heard: boolean
  /** The end of what it printed as errors. */
  readonly stderr: string
}

/** Raised when `Remembered` changes. */
const VERSION = 2

export const beginning = ({ agent, workDir, prompt }: Session): Remembered => ({
  turn: 0,
  prompt,
  allowed: [],
  state: beginState(agent, workDir),
  queue: [],
  heard: false,
  stderr: '',
})

export const toCheckpoint = (remembered: Remembered): object => ({ ...remembered, version: VERSION })

/** Undefined when another version of the plugin wrote it. */
export const fromCheckpoint = (checkpoint: unknown): Remembered | undefined =>
  isSaved(checkpoint) ? checkpoint : undefined

const isSaved = (value: unknown): value is Remembered =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === VERSION
