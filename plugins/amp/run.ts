/** One session of Amp, from its first turn to its last. */
import { otherVersion, type RunEnd, type Session, type SessionIo } from 'troupe/plugin'
import { beginning, fromCheckpoint } from './checkpoint.ts'
import { Conversation } from './conversation.ts'

export async function run(session: Session, io: SessionIo): Promise<RunEnd> {
  if (io.signal.aborted) return { kind: 'stopped' }
  if (session.permissionMode !== 'full') return cannotAsk(session)
  const from = session.checkpoint === undefined ? beginning(session) : fromCheckpoint(session.checkpoint)
  return from ? new Conversation(session, io, from).hold() : otherVersion
}

const cannotAsk = ({ permissionMode }: Session): RunEnd => ({
  kind: 'error',
  code: 'UNSUPPORTED',
  message: `Amp has no permission mode "${permissionMode}" here: over its JSON stream it cannot ask, and refuses what it would ask for. Choose "full".`,
})
