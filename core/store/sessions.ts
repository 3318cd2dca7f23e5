/** Agent sessions. */
import type { AgentSession } from '../contract/records.ts'
import { AgentSessionEntity, type AgentSessionRow } from './entities/tasks.ts'
import type { Changes, NewRecord } from './record-types.ts'
import { isRowId, newStamps, now, present, select } from './rows.ts'
import type { Tx } from './tx.ts'

/** What a session was started with; only the program needs it. */
export interface SessionStart {
  readonly prompt: string
  /** The agent's own conversation that it continues. */
  readonly resumeOf?: string
  /** From 1, counted within its task. */
  readonly attempt: number
}

export type NewSession = Omit<NewRecord<AgentSession>, 'lastSeq'> & {
  readonly prompt: string
  readonly resumeOf?: string | null | undefined
  readonly attempt: number
}

interface Computed {
  lastSeq: number | string
}

const LAST_SEQ = '(select coalesce(max(m.seq), 0) from message m where m.session_id = t.id) as "lastSeq"'

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
  await tx.em.insert(AgentSessionEntity, row)
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
  return select<AgentSessionRow, Computed>(tx, AgentSessionEntity, { tail, parameters: ids, computed: LAST_SEQ })
}

/** Gives false when there is no such session. */
export async function updateSession(
  tx: Tx,
  id: string,
  changes: Omit<Changes<AgentSession>, 'lastSeq'>,
): Promise<boolean> {
  if (!isRowId(id)) return false
  return (await tx.em.nativeUpdate(AgentSessionEntity, { id }, { ...changes, updatedAt: now(tx) })) > 0
}

/** Sessions that have not ended, of one worker or of all. */
export async function liveSessions(tx: Tx, workerId?: string): Promise<AgentSession[]> {
  const live = `t.status in ('assigned', 'starting', 'running', 'awaiting_input', 'stopping')`
  const rows = workerId === undefined ? sessionRows(tx, live) : sessionRows(tx, `${live} and t.worker_id = ?`, workerId)
  return (await rows).map(toSession)
}
