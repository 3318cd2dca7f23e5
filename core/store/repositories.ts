/** Repositories. */
import type { Repository } from '../contract/records.ts'
import type { RepositoryRow } from './entities/repositories.ts'
import type { Changes, NewRecord } from './record-types.ts'
import { insertRow, updateRow } from './row-writes.ts'
import { isRowId, newStamps, now, present, select, selectById } from './rows.ts'
import { repositoryTable } from './tables.ts'
import type { Tx } from './tx.ts'

const toRepository = (row: RepositoryRow): Repository => present(row)

/** @throws TroupeError CONFLICT when the workspace has a repository with this path. */
export async function insertRepository(tx: Tx, repository: NewRecord<Repository>): Promise<Repository> {
  const row = { ...repository, ...newStamps(tx) }
  await insertRow(tx, repositoryTable, row)
  return present(row)
}

export async function getRepository(tx: Tx, id: string): Promise<Repository | undefined> {
  const row = await selectById(tx, repositoryTable, id)
  return row && toRepository(row)
}

export async function findRepositoryByPath(
  tx: Tx,
  place: { readonly workspaceId: string; readonly localPath: string },
): Promise<Repository | undefined> {
  if (!isRowId(place.workspaceId)) return undefined
  const tail = 'where t.workspace_id = ? and t.local_path = ?'
  const [row] = await select(tx, repositoryTable, { tail, parameters: [place.workspaceId, place.localPath] })
  return row && toRepository(row)
}

/** By name. */
export async function listRepositories(tx: Tx, workspaceId?: string): Promise<Repository[]> {
  if (workspaceId !== undefined && !isRowId(workspaceId)) return []
  const rows = await select(tx, repositoryTable, {
    tail: `${workspaceId === undefined ? '' : 'where t.workspace_id = ? '}order by t.name, t.id`,
    parameters: workspaceId === undefined ? [] : [workspaceId],
  })
  return rows.map(toRepository)
}

/** Gives false when there is no such repository. */
export async function updateRepository(tx: Tx, id: string, changes: Changes<Repository>): Promise<boolean> {
  if (!isRowId(id)) return false
  return updateRow(tx, repositoryTable, { id, changes: { ...changes, updatedAt: now(tx) } })
}

/**
 * Removes a repository and the groups that hold nothing else. Gives false when there is none.
 * @throws TroupeError CONFLICT when a task uses it or a larger group holds it.
 */
export async function deleteRepository(tx: Tx, id: string): Promise<boolean> {
  if (!isRowId(id)) return false
  await tx.run(
    `delete from repository_group where id in (
       select m.group_id from repository_group_member m
       where m.group_id in (select o.group_id from repository_group_member o where o.repository_id = ?)
       group by m.group_id having count(*) = 1)`,
    [id],
  )
  return (await tx.run('delete from repository where id = ?', [id])) > 0
}
