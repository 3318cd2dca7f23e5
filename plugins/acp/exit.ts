/** What it means that the program ended, or never began. Pure. */
import type { Exit, RunEnd } from 'troupe/plugin'

type ErrorEnd = Extract<RunEnd, { kind: 'error' }>

/** Exit codes with which a shell says that it found no such program, or may not run it. */
const NOT_FOUND = new Set([126, 127])

/** The host's own word for a program that is not there or may not be run; anything else is the host's to report. */
export const isStartError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'PROCESS_START'

export function toStartError(program: string, error: unknown, install: string): ErrorEnd {
  const reason = error instanceof Error ? error.message : String(error)
  return { kind: 'error', code: 'AGENT_NOT_INSTALLED', message: `${program} cannot be started: ${reason} ${install}` }
}

export interface Heard {
  /** Anything came on its standard output. */
  readonly anything: boolean
  readonly stderr: string
  readonly install: string
}

/** The program ended in mid-session. */
export function toExitError(program: string, exit: Exit, { anything, stderr, install }: Heard): ErrorEnd {
  const printed = stderr === '' ? 'It printed no error.' : `It printed: ${stderr}`
  if (!anything && exit.code !== null && NOT_FOUND.has(exit.code)) return toStartError(program, printed, install)
  const how = exit.code === null ? `was ended by ${exit.signal ?? 'a signal'}` : `ended with exit code ${exit.code}`
  return { kind: 'error', code: 'AGENT_EXITED', message: `${program} ${how} before its turn was over. ${printed}` }
}

const TAIL_CHARACTERS = 2000

/** The end of what was printed, with `line` added. */
export const addToTail = (tail: string, line: string): string =>
  (tail === '' ? line : `${tail}\n${line}`).slice(-TAIL_CHARACTERS)
