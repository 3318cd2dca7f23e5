/** Questions of agents. */
import type { Question } from '../contract/records.ts'
import type { QuestionStatus } from '../contract/statuses.ts'
import type { QuestionRow } from './entities/review.ts'
import { toPlainText } from './json-text.ts'
import type { NewRecord } from './record-types.ts'
import { insertRowOnce } from './row-writes.ts'
import { isRowId, listOf, listParameter, newStamps, now, present, select, selectById } from './rows.ts'
import { questionTable } from './tables.ts'
import type { SqlValue, Tx } from './tx.ts'

export interface QuestionFilter {
  readonly taskId?: string
  readonly sessionId?: string
  readonly status?: QuestionStatus
}

const toQuestion = (row: QuestionRow): Question => present(row)

/** Gives false, and changes nothing, when the question is there already. */
export const insertQuestion = (tx: Tx, question: NewRecord<Question>): Promise<boolean> =>
  insertRowOnce(tx, questionTable, { ...question, ...newStamps(tx) })

export async function getQuestion(tx: Tx, id: string): Promise<Question | undefined> {
  const row = await selectById(tx, questionTable, id)
  return row && toQuestion(row)
}

/** Oldest first. */
export async function listQuestions(tx: Tx, filter: QuestionFilter): Promise<Question[]> {
  const wanted: [condition: string, value: string | undefined][] = [
    ['t.unit_task_id = ?', filter.taskId],
    ['t.session_id = ?', filter.sessionId],
    ['t.status = ?', filter.status],
  ]
  const given = wanted.filter(([, value]) => value !== undefined)
  if ([filter.taskId, filter.sessionId].some((id) => id !== undefined && !isRowId(id))) return []
  const where = given.length > 0 ? `where ${given.map(([condition]) => condition).join(' and ')}` : ''
  const rows = await select(tx, questionTable, {
    tail: `${where} order by t.created_at, t.id`,
    parameters: given.map(([, value]): SqlValue => value ?? null),
  })
  return rows.map(toQuestion)
}

/** Gives false, and changes nothing, when the question is not pending. */
export async function answerQuestion(
  tx: Tx,
  reply: { readonly id: string; readonly answer: string; readonly answeredBy: string },
): Promise<boolean> {
  if (!isRowId(reply.id)) return false
  const at = now(tx)
  const answered = await tx.run(
    `update question set status = 'answered', answer = ?, answered_by = ?, answered_at = ?, updated_at = ?
     where id = ? and status = 'pending'`,
    [toPlainText(reply.answer), toPlainText(reply.answeredBy), at, at, reply.id],
  )
  return answered > 0
}

/** Withdraws those of these questions, or of a session, that are pending; gives their ids. */
export async function withdrawQuestions(
  tx: Tx,
  which: { readonly ids: readonly string[] } | { readonly sessionId: string },
): Promise<string[]> {
  const ofSession = 'sessionId' in which
  const ids = (ofSession ? [which.sessionId] : which.ids).filter(isRowId)
  const rows = await tx.all<{ id: string }>(
    `update question set status = 'withdrawn', updated_at = ?
     where status = 'pending' and ${ofSession ? 'session_id' : 'id'} in ${listOf(tx, 'uuid')} returning id`,
    [now(tx), listParameter(tx, ids)],
  )
  return rows.map((row) => row.id)
}
