/** What it means that the program ended, or never began. Pure. */
import type { Exit, RunEnd } from 'troupe/plugin'
import { INSTALL_HINT } from './detect.ts'

type ErrorEnd = Extract<RunEnd, { kind: 'error' }>

/** Exit codes with which a shell says that it found no such program, or may not run it. */
const NOT_FOUND = new Set([126, 127])

/** The host's own word for a program that is not there or may not be run; anything else is the host's to report. */
export const isStartError = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'PROCESS_START'

export function toStartError(program: string, error: unknown): ErrorEnd {
  const reason = error instanceof Error ? error.message : String(error)
  const message = `Codex (${program}) cannot be started: ${reason} ${INSTALL_HINT}`
  return { kind: 'error', code: 'AGENT_NOT_INSTALLED', message }
}

/** The program ended and gave no result. */
export function toExitError(program: string, exit: Exit, heard: { anything: boolean; stderr: string }): ErrorEnd {
  const stderr = heard.stderr === '' ? 'It printed no error.' : `It printed: ${heard.stderr}`
  if (!heard.anything && exit.code !== null && NOT_FOUND.has(exit.code)) return toStartError(program, stderr)
  const how = exit.code === null ? `was ended by ${exit.signal ?? 'a signal'}` : `ended with exit code ${exit.code}`
  const message = `Codex (${program}) ${how} before it gave a result. ${stderr}`
  return { kind: 'error', code: 'AGENT_EXITED', message }
}

const TAIL_CHARACTERS = 2000

/** The end of what was printed, with `line` added. */
export const addToTail = (tail: string, line: string): string =>
  (tail === '' ? line : `${tail}\n${line}`).slice(-TAIL_CHARACTERS)
