/** What is remembered of a session of one program: its checkpoint. Pure. */
import type { RunEnd } from './agent.ts'

/** A session's checkpoint. */
export interface Remembered<Memory> {
  readonly version: number
  readonly memory?: Memory
  /** The program is asked to end. */
  readonly end?: RunEnd
  /** Anything came on its standard output. */
  readonly heard: boolean
  /** The end of what it printed as errors. */
  readonly stderr: string
  /** The follow-up that was taken last. */
  readonly lastFollowUp?: string
  /** Follow-ups that came too late. */
  readonly missed: readonly string[]
}

/** Undefined when another version of the plugin wrote the checkpoint. */
export function toRemembered<Memory>(version: number, checkpoint: unknown): Remembered<Memory> | undefined {
  if (checkpoint === undefined) return { version, heard: false, stderr: '', missed: [] }
  return isOf<Memory>(version, checkpoint) ? checkpoint : undefined
}

const isOf = <Memory>(version: number, value: unknown): value is Remembered<Memory> =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === version
