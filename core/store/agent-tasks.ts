/** Agent tasks: the retryable unit of a task, with its sessions. */
import type { AgentTask } from '../contract/records.ts'
import type { NewRecord } from './record-types.ts'
import { insertRow } from './row-writes.ts'
import { newStamps, present, selectById } from './rows.ts'
import { listSessionsOfAgentTask } from './sessions.ts'
import { agentTaskTable } from './tables.ts'
import type { Tx } from './tx.ts'

export async function insertAgentTask(tx: Tx, agentTask: Omit<NewRecord<AgentTask>, 'sessions'>): Promise<AgentTask> {
  const row = { ...agentTask, ...newStamps(tx) }
  await insertRow(tx, agentTaskTable, row)
  return { ...present(row), sessions: [] }
}

export async function getAgentTask(tx: Tx, id: string): Promise<AgentTask | undefined> {
  const row = await selectById(tx, agentTaskTable, id)
  return row && { ...present(row), sessions: await listSessionsOfAgentTask(tx, id) }
}
