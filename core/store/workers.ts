/** Workers; in one process there is one row, for this machine. */
import type { WorkerRow } from './entities/tasks.ts'
import { insertRow, updateRow } from './row-writes.ts'
import {
  isRowId,
  listOf,
  listParameter,
  newStamps,
  now,
  present,
  type Present,
  rowLock,
  select,
  selectById,
} from './rows.ts'
import { workerTable } from './tables.ts'
import type { Tx } from './tx.ts'

export type Worker = Present<WorkerRow>
export type WorkerStatus = Worker['status']

/** Makes the row of a worker or brings it up to date: idle, and heard from now. */
export async function ensureWorker(
  tx: Tx,
  worker: Pick<Worker, 'id' | 'name' | 'labels' | 'capacity'>,
): Promise<Worker> {
  const row = { ...worker, status: 'idle' as const, lastHeartbeat: now(tx), ...newStamps(tx) }
  const { id, createdAt: _, ...changes } = row
  if (await updateRow(tx, workerTable, { id, changes })) return (await getWorker(tx, id)) ?? row
  await insertRow(tx, workerTable, row)
  return row
}

export async function getWorker(tx: Tx, id: string): Promise<Worker | undefined> {
  const row = await selectById(tx, workerTable, id)
  return row && present(row)
}

/**
 * Keeps other servers from giving these workers sessions until the transaction ends, so that what is counted after this holds.
 * An actor and its task, if any, are locked before this, never after it.
 */
export async function lockWorkers(tx: Tx, ids: readonly string[]): Promise<void> {
  const sql = `select id from worker where id in ${listOf(tx, 'uuid')} order by id ${rowLock(tx)}`
  if (tx.driver !== 'sqlite') await tx.all(sql, [listParameter(tx, ids)])
}

/** By name. */
export async function listWorkers(tx: Tx): Promise<Worker[]> {
  return (await select(tx, workerTable, { tail: 'order by t.name, t.id' })).map((row) => present(row))
}

/** Gives false when there is no such worker. */
export async function updateWorker(
  tx: Tx,
  id: string,
  changes: Partial<Pick<Worker, 'status' | 'capacity' | 'labels' | 'lastHeartbeat'>>,
): Promise<boolean> {
  if (!isRowId(id)) return false
  return updateRow(tx, workerTable, { id, changes: { ...changes, updatedAt: now(tx) } })
}
