/** One session of Codex, from its program's start to its end. */
import { type RunEnd, type Session, type SessionIo, converse } from 'troupe/plugin'
import { toCommand } from './command.ts'
import { CodexConversation } from './conversation.ts'
import { INSTALL_HINT } from './detect.ts'
import { removeLitter } from './litter.ts'
import { type Memory, VERSION } from './memory.ts'

export async function run(session: Session, io: SessionIo): Promise<RunEnd> {
  const command = toCommand(session)
  try {
    return await converse<Memory>(session, io, {
      command,
      names: { title: 'Codex', program: command.program, install: INSTALL_HINT },
      version: VERSION,
      converse: (connection, memory) => new CodexConversation(connection, memory),
    })
  } finally {
    await removeLitter(session.workDir)
  }
}
