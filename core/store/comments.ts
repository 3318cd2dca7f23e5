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

/** Marks all comments of a task as resolved; gives their number. */
export async function resolveComments(tx: Tx, unitTaskId: string): Promise<number> {
  if (!isRowId(unitTaskId)) return 0
  const resolved = { resolved: true, updatedAt: now(tx) }
  return tx.em.nativeUpdate(ReviewCommentEntity, { unitTaskId, resolved: false }, resolved)
}
