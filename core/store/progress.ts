/** How far the output of a session was turned into messages. */
import { isRowId, listOf, listParameter, now } from './rows.ts'
import type { Tx } from './tx.ts'

export interface SessionProgress {
  readonly sessionId: string
  /** JSON text of the runner. */
  readonly progress: string
}

export async function setProgress(tx: Tx, { sessionId, progress }: SessionProgress): Promise<void> {
  await tx.run(
    `insert into session_progress (session_id, progress, updated_at) values (?, ?, ?)
     on conflict (session_id) do update set progress = excluded.progress, updated_at = excluded.updated_at`,
    [sessionId, progress, now(tx)],
  )
}

/** The progress of a session, as JSON text. */
export async function getProgress(tx: Tx, sessionId: string): Promise<string | undefined> {
  if (!isRowId(sessionId)) return undefined
  const row = await tx.get<{ progress: string }>('select progress from session_progress where session_id = ?', [
    sessionId,
  ])
  return row?.progress
}

export async function deleteProgress(tx: Tx, sessionIds: readonly string[]): Promise<number> {
  const ids = listParameter(tx, sessionIds.filter(isRowId))
  return tx.run(`delete from session_progress where session_id in ${listOf(tx, 'uuid')}`, [ids])
}
