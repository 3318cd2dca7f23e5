/** One session of Claude Code, from its program's start to its end. */
import { type RunEnd, type Session, type SessionIo, converse } from 'troupe/plugin'
import { toCommand } from './command.ts'
import { ClaudeConversation } from './conversation.ts'
import { INSTALL_HINT } from './detect.ts'
import { type Memory, VERSION } from './memory.ts'

export function run(session: Session, io: SessionIo): Promise<RunEnd> {
  const command = toCommand(session)
  return converse<Memory>(session, io, {
    command,
    names: { title: 'Claude Code', program: command.program, install: INSTALL_HINT },
    version: VERSION,
    converse: (connection, memory) => new ClaudeConversation(connection, memory),
  })
}
