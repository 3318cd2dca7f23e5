/** Makes an agent of a program that speaks ACP. For this plugin, and for bundled ones whose program does. */
import {
  type Agent,
  type AgentProcess,
  type Command,
  otherVersion,
  type PermissionMode,
  type RunEnd,
  type Session,
  type SessionIo,
  withProgram,
} from 'troupe/plugin'
import { beginning, fromCheckpoint } from './checkpoint.ts'
import { Conversation } from './conversation.ts'

export interface AcpProfile {
  /** As sentences call it until the program has said its own name, for example `Gemini CLI`. */
  readonly name: string
  readonly detect: Agent['detect']
  /** How the program is called; what it reads is `live`. A value instead of a command says why it cannot be called. Pure. */
  readonly toCommand: (session: Session) => Command | Extract<RunEnd, { kind: 'error' }>
  /**
   * The program's own modes for each of ours, the preferred one first, where they have other names than most
   * (see session-offer.ts). An empty list: the mode is given by the command line and none is set.
   */
  readonly modes?: Partial<Readonly<Record<PermissionMode, readonly string[]>>>
  /** Sentences for people: what to do when the program is missing, and when nobody is signed in. */
  readonly install: string
  readonly signIn: string
}

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
  const names = { title: profile.name, program: command.program, install: profile.install }
  const talk = (process: AgentProcess) => new Conversation(session, io, { process, from, profile, names }).hold()
  return withProgram(io, { command: { ...command, stdin: 'live' }, names, talk })
}
