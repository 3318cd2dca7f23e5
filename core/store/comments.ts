/** Review comments. */
import type { ReviewComment } from '../contract/records.ts'
import type { NewRecord } from './record-types.ts'
import { insertRow } from './row-writes.ts'
import { isRowId, listOf, listParameter, newStamps, now, present, select } from './rows.ts'
import { reviewCommentTable } from './tables.ts'
import type { Tx } from './tx.ts'

export async function insertComment(tx: Tx, comment: NewRecord<ReviewComment>): Promise<ReviewComment> {
  const row = { ...comment, ...newStamps(tx) }
  await insertRow(tx, reviewCommentTable, row)
  return present(row)
}

/** Oldest first. */
export async function listComments(tx: Tx, unitTaskId: string): Promise<ReviewComment[]> {
  if (!isRowId(unitTaskId)) return []
  const tail = 'where t.unit_task_id = ? order by t.created_at, t.id'
  const rows = await select(tx, reviewCommentTable, { tail, parameters: [unitTaskId] })
  return rows.map((row) => present(row))
}

/** Marks these comments as resolved; gives the number of those that were not. */
export const resolveComments = (tx: Tx, ids: readonly string[]): Promise<number> =>
  tx.run(
    `update review_comment set resolved = true, updated_at = ? where not resolved and id in ${listOf(tx, 'uuid')}`,
    [now(tx), listParameter(tx, ids.filter(isRowId))],
  )
