/** Workspaces. */
import { newId } from '../base/ids.ts'
import type { Workspace } from '../contract/records.ts'
import type { WorkspaceRow } from './entities/repositories.ts'
import type { Changes, NewRecord } from './record-types.ts'
import { insertRow, updateRow } from './row-writes.ts'
import { isRowId, newStamps, now, present, select, selectById } from './rows.ts'
import { workspaceTable } from './tables.ts'
import type { Tx } from './tx.ts'

const toWorkspace = (row: WorkspaceRow): Workspace => present(row)

export async function insertWorkspace(tx: Tx, workspace: NewRecord<Workspace>): Promise<Workspace> {
  const row = { ...workspace, ...newStamps(tx) }
  await insertRow(tx, workspaceTable, row)
  return present(row)
}

export async function getWorkspace(tx: Tx, id: string): Promise<Workspace | undefined> {
  const row = await selectById(tx, workspaceTable, id)
  return row && toWorkspace(row)
}

/** Oldest first. */
export async function listWorkspaces(tx: Tx): Promise<Workspace[]> {
  return (await select(tx, workspaceTable, { tail: 'order by t.created_at, t.id' })).map(toWorkspace)
}

/** The oldest workspace, made when there is none. */
export async function ensureDefaultWorkspace(tx: Tx): Promise<Workspace> {
  const [oldest] = await select(tx, workspaceTable, { tail: 'order by t.created_at, t.id limit 1' })
  return oldest ? toWorkspace(oldest) : insertWorkspace(tx, { id: newId(), name: 'default' })
}

/** Gives false when there is no such workspace. */
export async function updateWorkspace(tx: Tx, id: string, changes: Changes<Workspace>): Promise<boolean> {
  if (!isRowId(id)) return false
  return updateRow(tx, workspaceTable, { id, changes: { ...changes, updatedAt: now(tx) } })
}

/**
 * Gives false when there is no such workspace.
 * @throws TroupeError CONFLICT when it is not empty.
 */
export async function deleteWorkspace(tx: Tx, id: string): Promise<boolean> {
  return isRowId(id) && (await tx.run('delete from workspace where id = ?', [id])) > 0
}
