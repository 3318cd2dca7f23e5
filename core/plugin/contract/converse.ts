/** Runs one session of a program with which a plugin converses, from its start to its end. */
import type { RunEnd, Session } from './agent.ts'
import type { Connection, Conversation } from './connection.ts'
import type { AgentProcess, Command, SessionIo } from './io.ts'
import { type ProgramNames, otherVersion, withProgram } from './program.ts'
import { ProgramSession } from './program-session.ts'
import { toRemembered } from './remembered.ts'

/** A program, and the conversation that is held with it. */
export interface Program<Memory> {
  readonly command: Command
  readonly names: ProgramNames
  /** Raised when what the conversation saves changes its shape: a session that another version began is not continued. */
  readonly version: number
  /**
   * Makes the conversation, which is silent until its `begin` or another of its methods is called.
   * @param memory What was saved last, when the session is continued.
   */
  readonly converse: (connection: Connection, memory: Memory | undefined) => Conversation<Memory>
}

/**
 * Starts the program, lets the conversation speak with it until the session is over, and ends it with all that it started. Stops,
 * bounds, crashes of the host and messages that come too late are looked after here.
 * @example
 * run: (session, io) =>
 *   converse(session, io, { command, names, version: 1, converse: (connection, memory) => new Talk(connection, memory) })
 */
export async function converse<Memory>(session: Session, io: SessionIo, program: Program<Memory>): Promise<RunEnd> {
  if (io.signal.aborted) return { kind: 'stopped' }
  const { command, names, version } = program
  const from = toRemembered<Memory>(version, session.checkpoint)
  if (!from) return otherVersion
  const parts = { session, io, names, converse: program.converse }
  const talk = (process: AgentProcess) => new ProgramSession({ ...parts, process }, from).run()
  return withProgram(io, { command, names, talk })
}
