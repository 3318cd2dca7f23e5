/** Logs that were moved out of the database, and those that may be. */
import { isRowId, listOf, listParameter, now } from './rows.ts'
import type { Tx } from './tx.ts'

export interface RetiredLog {
  /** `archived`: it is in a file; `dropped`: it is gone. */
  readonly fate: 'archived' | 'dropped'
  readonly lastSeq: number
  /** JSON text of the archive: where in its file what is. */
  readonly blocks: string | null
  /** ISO 8601, UTC. */
  readonly at: string
}

/** Notes that a log has left; its messages are deleted after this, and only after this. */
export async function insertRetiredLog(
  tx: Tx,
  sessionId: string,
  { fate, lastSeq, blocks }: Pick<RetiredLog, 'fate' | 'lastSeq' | 'blocks'>,
): Promise<void> {
  const sql = 'insert into retired_log (session_id, fate, last_seq, blocks, at) values (?, ?, ?, ?, ?)'
  await tx.run(sql, [sessionId, fate, lastSeq, blocks, now(tx)])
}

export async function getRetiredLog(tx: Tx, sessionId: string): Promise<RetiredLog | undefined> {
  if (!isRowId(sessionId)) return undefined
  const row = await tx.get<Omit<RetiredLog, 'lastSeq'> & { lastSeq: number | string }>(
    'select fate, last_seq as "lastSeq", blocks, at from retired_log where session_id = ?',
    [sessionId],
  )
  return row && { ...row, lastSeq: Number(row.lastSeq), at: new Date(row.at).toISOString() }
}

/** Nothing comes back to these by itself: a failed or stopped task may be retried, and its log says why. */
const FINISHED = `exists (select 1 from unit_task t where t.id = s.unit_task_id and t.status in ('done', 'rejected'))
  and s.ended_at is not null`

const KEPT = `exists (select 1 from message m where m.session_id = s.id)
  and not exists (select 1 from retired_log r where r.session_id = s.id)`

interface Retirable {
  readonly changedBefore: string
  /** Ids of sessions. */
  readonly except: readonly string[]
  readonly limit: number
}

/** Finished sessions but `except` that still have their log here, those that rest longest first. `changedBefore`: ISO 8601, of the task. */
export async function retirableSessions(tx: Tx, { changedBefore, except, limit }: Retirable): Promise<string[]> {
  const rows = await tx.all<{ id: string }>(
    `select s.id from agent_session s join unit_task u on u.id = s.unit_task_id
     where u.updated_at <= ? and s.id not in ${listOf(tx, 'uuid')} and ${FINISHED} and ${KEPT} order by u.updated_at, s.created_at, s.id limit ?`,
    [changedBefore, listParameter(tx, except), limit],
  )
  return rows.map(({ id }) => id)
}

/** Whether the log may leave now: asked again in the transaction that notes it. */
export async function isRetirable(tx: Tx, sessionId: string): Promise<boolean> {
  const sql = `select s.id from agent_session s where s.id = ? and ${FINISHED} and ${KEPT}`
  return (await tx.get(sql, [sessionId])) !== undefined
}

/** A retired log of which messages are still here. */
export async function nextToClear(tx: Tx): Promise<string | undefined> {
  const row = await tx.get<{ sessionId: string }>(
    `select r.session_id as "sessionId" from retired_log r
     where exists (select 1 from message m where m.session_id = r.session_id) limit 1`,
  )
  return row?.sessionId
}

/** Deletes messages with their whole bodies, the first ones first, so that what is left has no gap. Gives how many. */
export async function deleteFirstMessages(tx: Tx, sessionId: string, limit: number): Promise<number> {
  const first = 'select seq from message where session_id = ? order by seq limit ?'
  const parameters = [sessionId, sessionId, limit]
  await tx.run(`delete from message_body where session_id = ? and seq in (${first})`, parameters)
  return tx.run(`delete from message where session_id = ? and seq in (${first})`, parameters)
}
