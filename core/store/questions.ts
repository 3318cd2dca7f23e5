/** Questions of agents. */
import type { Question } from '../contract/records.ts'
import type { QuestionStatus } from '../contract/statuses.ts'
import { QuestionEntity, type QuestionRow } from './entities/review.ts'
import type { NewRecord } from './record-types.ts'
import { isRowId, listOf, listParameter, newStamps, now, present, select, selectById } from './rows.ts'
import type { SqlValue, Tx } from './tx.ts'

export interface QuestionFilter {
  readonly taskId?: string
  readonly sessionId?: string
  readonly status?: QuestionStatus
}

const toQuestion = (row: QuestionRow): Question => present(row)

/** Gives false, and changes nothing, when the question is there already. */
export async function insertQuestion(tx: Tx, question: NewRecord<Question>): Promise<boolean> {
  const insert = tx.em.qb(QuestionEntity).insert({ ...question, ...newStamps(tx) })
  return (await insert.onConflict('id').ignore().execute('run')).affectedRows > 0
}

export async function getQuestion(tx: Tx, id: string): Promise<Question | undefined> {
  const row = await selectById(tx, QuestionEntity, id)
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
  const rows = await select(tx, QuestionEntity, {
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
  const { id, answer, answeredBy } = reply
  const at = now(tx)
  const answered = { status: 'answered' as const, answer, answeredBy, answeredAt: at, updatedAt: at }
  return (await tx.em.nativeUpdate(QuestionEntity, { id, status: 'pending' }, answered)) > 0
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
