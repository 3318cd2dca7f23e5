/** One session of Aider, from its first turn to its last. */
import { otherVersion, type RunEnd, type Session, type SessionIo } from 'troupe/plugin'
import { beginning, fromCheckpoint } from './checkpoint.ts'
import { Conversation } from './conversation.ts'

export async function run(session: Session, io: SessionIo): Promise<RunEnd> {
  if (io.signal.aborted) return { kind: 'stopped' }
  const from = session.checkpoint === undefined ? beginning(session) : fromCheckpoint(session.checkpoint)
  return from ? new Conversation(session, io, from).hold() : otherVersion
}
