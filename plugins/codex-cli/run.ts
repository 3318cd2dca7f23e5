/** One session of Codex, from its program's start to its end. */
import type { AgentProcess, RunEnd, Session, SessionIo } from 'troupe/plugin'
import { beginning, fromCheckpoint } from './checkpoint.ts'
import { toCommand } from './command.ts'
import { Conversation } from './conversation.ts'
import { isStartError, toStartError } from './exit.ts'
import { removeLitter } from './litter.ts'

export async function run(session: Session, io: SessionIo): Promise<RunEnd> {
  const { agent, workDir, checkpoint } = session
  if (io.signal.aborted) return { kind: 'stopped' }
  const from = checkpoint === undefined ? beginning(agent, workDir) : fromCheckpoint(checkpoint)
  if (!from) return otherVersion
  const command = toCommand(session)
  let process: AgentProcess
  try {
    process = await io.spawn(command)
  } catch (error) {
    if (io.signal.aborted) return { kind: 'stopped' }
    if (isStartError(error)) return toStartError(session.settings.program ?? 'codex', error)
    throw error
  }
  try {
    return await new Conversation(session, io, { process, from }).hold()
  } finally {
    // What Codex started may have outlived it.
    await process.stop().catch((error: unknown) => io.debug(`Stop: ${String(error)}`))
    await removeLitter(workDir)
  }
}

const otherVersion: RunEnd = {
  kind: 'error',
  code: 'AGENT_FAILED',
  message:
    'The session was begun by another version of the plugin and cannot be continued by this one. Retry the task: the conversation is resumed.',
  retryable: true,
}
