/** Review comments. */
import type { ReviewComment } from '../contract/records.ts'
import { ReviewCommentEntity } from './entities/review.ts'
import type { NewRecord } from './record-types.ts'
import { isRowId, newStamps, now, present, select } from './rows.ts'
import type { Tx } from './tx.ts'

export async function insertComment(tx: Tx, comment: NewRecord<ReviewComment>): Promise<ReviewComment> {
  const row = { ...comment, ...newStamps(tx) }
  await tx.em.insert(ReviewCommentEntity, row)
  return present(row)
}

/** Oldest first. */
export async function listComments(tx: Tx, unitTaskId: string): Promise<ReviewComment[]> {
  if (!isRowId(unitTaskId)) return []
  const tail = 'where t.unit_task_id = ? order by t.created_at, t.id'
  const rows = await select(tx, ReviewCommentEntity, { tail, parameters: [unitTaskId] })
  return rows.map((row) => present(row))
}

/** Marks these comments as resolved; gives the number of those that were not. */
export async function resolveComments(tx: Tx, ids: readonly string[]): Promise<number> {
  const open = { id: { $in: ids.filter(isRowId) }, resolved: false }
  return tx.em.nativeUpdate(ReviewCommentEntity, open, { resolved: true, updatedAt: now(tx) })
}
