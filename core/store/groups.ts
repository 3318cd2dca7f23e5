/** Repository groups: what a task works on. */
import type { RepositoryGroup } from '../contract/records.ts'
import type { RepositoryGroupRow } from './entities/repositories.ts'
import type { NewRecord } from './record-types.ts'
import { insertRow, updateRow } from './row-writes.ts'
import { isRowId, listOf, listParameter, newStamps, now, present, select, selectById } from './rows.ts'
import { repositoryGroupTable } from './tables.ts'
import type { Tx } from './tx.ts'

/** @throws TroupeError CONFLICT when a repository is missing or named twice. */
export async function insertGroup(tx: Tx, group: NewRecord<RepositoryGroup>): Promise<RepositoryGroup> {
  const { repositoryIds, ...row } = { ...group, ...newStamps(tx) }
  await insertRow(tx, repositoryGroupTable, row)
  await insertMembers(tx, row.id, repositoryIds)
  return { ...present(row), repositoryIds }
}

export async function getGroup(tx: Tx, id: string): Promise<RepositoryGroup | undefined> {
  const row = await selectById(tx, repositoryGroupTable, id)
  return row && (await withMembers(tx, [row]))[0]
}

/** The oldest group that holds this repository and no other. */
export async function groupOfOne(tx: Tx, repositoryId: string): Promise<RepositoryGroup | undefined> {
  if (!isRowId(repositoryId)) return undefined
  const [row] = await select(tx, repositoryGroupTable, {
    tail: `where exists (select 1 from repository_group_member m where m.group_id = t.id and m.repository_id = ?)
           and (select count(*) from repository_group_member m where m.group_id = t.id) = 1
           order by t.created_at, t.id limit 1`,
    parameters: [repositoryId],
  })
  return row && (await withMembers(tx, [row]))[0]
}

/** Oldest first. */
export async function listGroups(tx: Tx, workspaceId?: string): Promise<RepositoryGroup[]> {
  if (workspaceId !== undefined && !isRowId(workspaceId)) return []
  const rows = await select(tx, repositoryGroupTable, {
    tail: `${workspaceId === undefined ? '' : 'where t.workspace_id = ? '}order by t.created_at, t.id`,
    parameters: workspaceId === undefined ? [] : [workspaceId],
  })
  return withMembers(tx, rows)
}

/** Gives false when there is no such group. */
export async function updateGroup(
  tx: Tx,
  id: string,
  changes: { readonly name?: string | null; readonly repositoryIds?: readonly string[] },
): Promise<boolean> {
  if (!isRowId(id)) return false
  const { repositoryIds, ...columns } = changes
  if (!(await updateRow(tx, repositoryGroupTable, { id, changes: { ...columns, updatedAt: now(tx) } }))) return false
  if (repositoryIds) {
    await tx.run('delete from repository_group_member where group_id = ?', [id])
    await insertMembers(tx, id, repositoryIds)
  }
  return true
}

/**
 * Gives false when there is no such group.
 * @throws TroupeError CONFLICT when a task uses it.
 */
export async function deleteGroup(tx: Tx, id: string): Promise<boolean> {
  return isRowId(id) && (await tx.run('delete from repository_group where id = ?', [id])) > 0
}

async function insertMembers(tx: Tx, groupId: string, repositoryIds: readonly string[]): Promise<void> {
  if (repositoryIds.length === 0) return
  const values = repositoryIds.map(() => '(?, ?, ?)').join(', ')
  await tx.run(
    `insert into repository_group_member (group_id, repository_id, position) values ${values}`,
    repositoryIds.flatMap((repositoryId, position) => [groupId, repositoryId, position]),
  )
}

async function withMembers(tx: Tx, rows: readonly RepositoryGroupRow[]): Promise<RepositoryGroup[]> {
  const members = await tx.all<{ groupId: string; repositoryId: string }>(
    `select group_id as "groupId", repository_id as "repositoryId" from repository_group_member
     where group_id in ${listOf(tx, 'uuid')} order by group_id, position`,
    [
      listParameter(
        tx,
        rows.map((row) => row.id),
      ),
    ],
  )
  const byGroup = Map.groupBy(members, (member) => member.groupId)
  return rows.map((row) => ({
    ...present(row),
    repositoryIds: (byGroup.get(row.id) ?? []).map((member) => member.repositoryId),
  }))
}
