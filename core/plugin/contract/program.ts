/** One program for one session: how most agents are run, and what it means that the program ended. */
import type { RunEnd } from './agent.ts'
import type { AgentProcess, Command, DetectIo, Exit, SessionIo } from './io.ts'

type ErrorEnd = Extract<RunEnd, { kind: 'error' }>

/** How sentences for people speak of the program. */
export interface ProgramNames {
  /** For example `Claude Code`. */
  readonly title: string
  /** Path or name with which it was called. */
  readonly program: string
  /** A sentence: what to do when it is missing. */
  readonly install: string
}

/** What was heard of a program before it ended. */
export interface Heard {
  /** Anything came on its standard output. */
  readonly anything: boolean
  /** The end of what it printed as errors. */
  readonly stderr: string
}

export interface ProgramRun {
  readonly command: Command
  readonly names: ProgramNames
  /** Speaks with the program until the session is over. */
  readonly talk: (process: AgentProcess) => Promise<RunEnd>
}

/** Starts the program, lets `talk` speak with it, and ends it with all that it started. */
export async function withProgram(io: SessionIo, { command, names, talk }: ProgramRun): Promise<RunEnd> {
  let process: AgentProcess
  try {
    process = await io.spawn(command)
  } catch (error) {
    if (io.signal.aborted) return { kind: 'stopped' }
    if (isStartError(error)) return toStartError(names, error.message)
    throw error
  }
  try {
    return await talk(process)
  } finally {
    // What the program started may have outlived it.
    await process.stop().catch((error: unknown) => io.debug(`Stop: ${String(error)}`))
  }
}

/** The host's own word for a program that is not there or may not be run; anything else is the host's to report. */
const isStartError = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && error.code === 'PROCESS_START'

/** Exit codes with which a shell says that it found no such program, or may not run it. */
const NOT_FOUND = new Set([126, 127])

/** The end of a session whose program ended before its turn was over. */
export function toExitError(names: ProgramNames, exit: Exit, { anything, stderr }: Heard): ErrorEnd {
  const printed = stderr === '' ? 'It printed no error.' : `It printed: ${stderr}`
  if (!anything && exit.code !== null && NOT_FOUND.has(exit.code))
    return toStartError(names, `${sayProgram(names)} cannot be started. ${printed}`)
  const how = exit.code === null ? `was ended by ${exit.signal ?? 'a signal'}` : `ended with exit code ${exit.code}`
  const message = `${sayProgram(names)} ${how} before it gave a result. ${printed}`
  return { kind: 'error', code: 'AGENT_EXITED', message }
}

/** @param reason Names the program, as the host's own words do. */
function toStartError({ install }: ProgramNames, reason: string): ErrorEnd {
  const message = `${/[.!?]$/.test(reason) ? reason : `${reason}.`} ${install}`
  return { kind: 'error', code: 'AGENT_NOT_INSTALLED', message }
}

const sayProgram = ({ title, program }: ProgramNames): string => `${title} (${program})`

/** The end of a session whose checkpoint another version of the plugin wrote. */
export const otherVersion: ErrorEnd = {
  kind: 'error',
  code: 'AGENT_FAILED',
  message:
    'The session was begun by another version of the plugin and cannot be continued by this one. Retry the task: the conversation is resumed.',
  retryable: true,
}

const TAIL_CHARACTERS = 2000

/** The end of what was printed, with `line` added. */
export const addToTail = (tail: string, line: string): string =>
  (tail === '' ? line : `${tail}\n${line}`).slice(-TAIL_CHARACTERS)

/** The version that `program --version` prints; undefined when it cannot be run. */
export async function readVersion(io: DetectIo, program: string): Promise<string | undefined> {
  const { code, stdout } = await io.run(program, ['--version'])
  return code === 0 ? /\d+\.\d+\.\d+\S*/.exec(stdout)?.[0] : undefined
}
