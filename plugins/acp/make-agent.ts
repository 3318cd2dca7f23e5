/** Makes an agent of a program that speaks ACP. For this plugin, and for bundled ones whose program does. */
import {
  type Agent,
  type AgentProcess,
  otherVersion,
  type RunEnd,
  type Session,
  type SessionIo,
  listen,
  withProgram,
} from 'troupe/plugin'
import { beginning, fromCheckpoint } from './checkpoint.ts'
import { Conversation } from './conversation.ts'
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
  if (io.signal.aborted) return { kind: 'stopped' }
  const from = session.checkpoint === undefined ? beginning() : fromCheckpoint(session.checkpoint)
  if (!from) return otherVersion
  const command = profile.toCommand(session)
  if ('kind' in command) return command
  const names = {
    title: profile.name,
    program: session.settings.program ?? profile.program ?? command.program,
    install: profile.install,
  }
  const talk = (process: AgentProcess) =>
    listen(io, process, new Conversation(session, io, { process, from, profile, names }))
  return withProgram(io, { command: { ...command, stdin: 'live' }, names, talk })
}
