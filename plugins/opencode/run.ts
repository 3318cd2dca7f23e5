/**
 * One session of OpenCode, from its program's start to its end.
 *
 * Its server is the way in, although it speaks ACP too: over ACP its questions never arrive and hang, and attempts of the model
 * service are not told.
 */
import {
  type AgentProcess,
  otherVersion,
  type RunEnd,
  type Session,
  type SessionIo,
  listen,
  withProgram,
} from 'troupe/plugin'
import { beginning, fromCheckpoint } from './checkpoint.ts'
import { toCommand } from './command.ts'
import { Conversation } from './conversation.ts'
import { INSTALL_HINT } from './detect.ts'

export async function run(session: Session, io: SessionIo): Promise<RunEnd> {
  if (io.signal.aborted) return { kind: 'stopped' }
  const from = session.checkpoint === undefined ? beginning(session) : fromCheckpoint(session.checkpoint)
  if (!from) return otherVersion
  const names = { title: 'OpenCode', program: session.settings.program ?? 'opencode', install: INSTALL_HINT }
  const talk = (process: AgentProcess) => listen(io, process, new Conversation(session, io, { process, from, names }))
  return withProgram(io, { command: toCommand(session), names, talk })
}
