/** One session of Claude Code, from its program's start to its end. */
import {
  type AgentProcess,
  otherVersion,
  type RunEnd,
  type Session,
  type SessionIo,
  listen,
  withProgram,
} from 'troupe/plugin'
import { toCommand } from './command.ts'
import { beginning, fromCheckpoint } from './checkpoint.ts'
import { Conversation } from './conversation.ts'
import { INSTALL_HINT } from './detect.ts'

export async function run(session: Session, io: SessionIo): Promise<RunEnd> {
  const { agent, workDir, checkpoint } = session
  if (io.signal.aborted) return { kind: 'stopped' }
  const from = checkpoint === undefined ? beginning(agent, workDir) : fromCheckpoint(checkpoint)
  if (!from) return otherVersion
  const command = toCommand(session)
  const names = { title: 'Claude Code', program: command.program, install: INSTALL_HINT }
  const talk = (process: AgentProcess) => listen(io, process, new Conversation(session, io, { process, from, names }))
  return withProgram(io, { command, names, talk })
}
