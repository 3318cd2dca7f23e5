/** Makes an agent of a program that speaks ACP. For this plugin, and for bundled ones whose program does. */
import { type Agent, type RunEnd, type Session, type SessionIo, converse } from 'troupe/plugin'
import { AcpConversation } from './conversation.ts'
import { type Memory, VERSION } from './memory.ts'
import type { AcpProfile } from './profile.ts'

export type { AcpProfile } from './profile.ts'

/**
 * @example
 * definePlugin({ agents: { 'gemini-cli': makeAcpAgent({ name: 'Gemini CLI', detect, toCommand, install, signIn }) } })
 */
export const makeAcpAgent = (profile: AcpProfile): Agent => ({
  detect: profile.detect,
  run: (session, io) => run(profile, session, io),
})

async function run(profile: AcpProfile, session: Session, io: SessionIo): Promise<RunEnd> {
  const command = profile.toCommand(session)
  if ('kind' in command) return command
  const { settings } = session
  const program = settings.program ?? profile.program ?? command.program
  const names = { title: profile.name, program, install: profile.install }
  return converse<Memory>(session, io, {
    command: { ...command, stdin: 'live' },
    names,
    version: VERSION,
    converse: (connection, memory) => new AcpConversation(connection, { profile, names }, memory),
  })
}
