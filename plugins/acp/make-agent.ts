/** Makes an agent of a program that speaks ACP. For this plugin, and for bundled ones whose program does. */
import type { Agent, AgentProcess, Command, PermissionMode, RunEnd, Session, SessionIo } from 'troupe/plugin'
import { beginning, fromCheckpoint } from './checkpoint.ts'
import { Conversation } from './conversation.ts'
import { isStartError, toStartError } from './exit.ts'

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
  let process: AgentProcess
  try {
    process = await io.spawn({ ...command, stdin: 'live' })
  } catch (error) {
    if (io.signal.aborted) return { kind: 'stopped' }
    if (isStartError(error)) return toStartError(command.program, error, profile.install)
    throw error
  }
  try {
    return await new Conversation(session, io, { process, from, profile, program: command.program }).hold()
  } finally {
    // What the agent started may have outlived it.
    await process.stop().catch((error: unknown) => io.debug(`Stop: ${String(error)}`))
  }
}

const otherVersion: RunEnd = {
  kind: 'error',
  code: 'AGENT_FAILED',
  message:
    'The session was begun by another version of the plugin and cannot be continued by this one. Retry the task: the conversation is resumed.',
  retryable: true,
}
