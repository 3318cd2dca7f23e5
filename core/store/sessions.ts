/** Agent sessions. */
import type { AgentSession } from '../contract/records.ts'
import type { AgentSessionRow } from './entities/tasks.ts'
import type { Changes, NewRecord } from './record-types.ts'
import { insertRow, updateRow } from './row-writes.ts'
import { isRowId, newStamps, now, present, select } from './rows.ts'
import { agentSessionTable } from './tables.ts'
import type { Tx } from './tx.ts'

/** What a session was started with; only the program needs it. */
export interface SessionStart {
  readonly prompt: string
  /** The agent's own conversation that it continues. */
  readonly resumeOf?: string
  /** From 1, counted within its task. */
  readonly attempt: number
}

export type NewSession = Omit<NewRecord<AgentSession>, 'lastSeq' | 'retired'> & {
  readonly prompt: string
  readonly resumeOf?: string | null | undefined
  readonly attempt: number
}

interface Computed {
  lastSeq: number | string
  retired: AgentSession['retired'] | null
}

const COMPUTED = `coalesce((select max(m.seq) from message m where m.session_id = t.id),
  (select r.last_seq from retired_log r where r.session_id = t.id), 0) as "lastSeq",
  (select r.fate from retired_log r where r.session_id = t.id) as "retired"`

const toSession = ({
  prompt: _p,
  resumeOf: _r,
  attempt: _a,
  lastSeq,
  ...row
}: AgentSessionRow & Computed): AgentSession => ({
  ...present(row),
  lastSeq: Number(lastSeq),
})

/** @throws TroupeError CONFLICT when the id is taken or a record that it names is missing. */
export async function insertSession(tx: Tx, session: NewSession): Promise<AgentSession> {
  const row = { ...session, ...newStamps(tx) }
  await insertRow(tx, agentSessionTable, row)
  const { prompt: _p, resumeOf: _r, attempt: _a, ...record } = row
  return { ...present(record), lastSeq: 0 }
}

export async function getSession(tx: Tx, id: string): Promise<AgentSession | undefined> {
  return (await sessionsWhere(tx, 't.id = ?', id))[0]
}

export async function getSessionStart(tx: Tx, id: string): Promise<SessionStart | undefined> {
  const [row] = await sessionRows(tx, 't.id = ?', id)
  return row && present({ prompt: row.prompt, resumeOf: row.resumeOf, attempt: row.attempt })
}

/** Oldest first. */
export const listSessionsOfTask = (tx: Tx, unitTaskId: string): Promise<AgentSession[]> =>
  sessionsWhere(tx, 't.unit_task_id = ?', unitTaskId)

/** Oldest first. */
export const listSessionsOfAgentTask = (tx: Tx, agentTaskId: string): Promise<AgentSession[]> =>
  sessionsWhere(tx, 't.agent_task_id = ?', agentTaskId)

async function sessionsWhere(tx: Tx, condition: string, id: string): Promise<AgentSession[]> {
  return (await sessionRows(tx, condition, id)).map(toSession)
}

async function sessionRows(tx: Tx, condition: string, ...ids: string[]): Promise<(AgentSessionRow & Computed)[]> {
  if (!ids.every(isRowId)) return []
  const tail = `where ${condition} order by t.created_at, t.id`
  return select<AgentSessionRow, Computed>(tx, agentSessionTable, { tail, parameters: ids, computed: COMPUTED })
}

/** Gives false when there is no such session. */
export async function updateSession(
  tx: Tx,
  id: string,
  changes: Omit<Changes<AgentSession>, 'lastSeq' | 'retired'>,
): Promise<boolean> {
  if (!isRowId(id)) return false
  return updateRow(tx, agentSessionTable, { id, changes: { ...changes, updatedAt: now(tx) } })
}

const LIVE = `t.status in ('assigned', 'starting', 'running', 'awaiting_input', 'stopping')`

/** How many sessions of each worker have not ended; workers without any are absent. */
export async function countLiveSessions(tx: Tx): Promise<ReadonlyMap<string, number>> {
  const sql = `select t.worker_id as "workerId", count(*) as count from agent_session t where ${LIVE} group by t.worker_id`
  const rows = await tx.all<{ workerId: string; count: number | string }>(sql)
  return new Map(rows.map(({ workerId, count }) => [workerId, Number(count)]))
}

/** Sessions that have not ended, of one worker or of all. */
export async function liveSessions(tx: Tx, workerId?: string): Promise<AgentSession[]> {
  const rows = workerId === undefined ? sessionRows(tx, LIVE) : sessionRows(tx, `${LIVE} and t.worker_id = ?`, workerId)
  return (await rows).map(toSession)
}

/** Sessions that have not ended, oldest first, each with the JSON text that the runner has stored of it. */
export async function liveProgress(tx: Tx): Promise<{ readonly sessionId: string; readonly progress?: string }[]> {
  const rows = await tx.all<{ sessionId: string; progress: string | null }>(
    `select t.id as "sessionId", p.progress from agent_session t
     left join session_progress p on p.session_id = t.id where ${LIVE} order by t.created_at, t.id`,
  )
  return rows.map(({ sessionId, progress }) => ({ sessionId, ...(progress !== null && { progress }) }))
}
