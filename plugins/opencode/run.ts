/**
 * One session of OpenCode, from its program's start to its end.
 *
 * Its server is the way in, although it speaks ACP too: over ACP its questions never arrive and hang, and attempts of the model
 * service are not told.
 */
import { type RunEnd, type Session, type SessionIo, converse } from 'troupe/plugin'
import { toCommand } from './command.ts'
import { OpenCodeConversation } from './conversation.ts'
import { INSTALL_HINT } from './detect.ts'
import { type Memory, VERSION } from './memory.ts'

export const run = (session: Session, io: SessionIo): Promise<RunEnd> =>
  converse<Memory>(session, io, {
    command: toCommand(session),
    names: { title: 'OpenCode', program: session.settings.program ?? 'opencode', install: INSTALL_HINT },
    version: VERSION,
    converse: (connection, memory) => new OpenCodeConversation(connection, memory),
  })
