/** What passes between a human and an agent: questions and review comments. */
import { defineEntity, type InferEntity, p } from '@mikro-orm/sql'
import type { Question, ReviewComment } from '../../contract/records.ts'
import { json, stamps, text, time, uuid } from './columns.ts'
import { AgentSessionEntity, UnitTaskEntity } from './tasks.ts'

export const QuestionEntity = defineEntity({
  name: 'Question',
  tableName: 'question',
  indexes: [{ properties: ['status', 'createdAt'] }],
  properties: {
    id: uuid().primary(),
    sessionId: () => p.manyToOne(AgentSessionEntity).mapToPk().fieldName('session_id').index().deleteRule('cascade'),
    unitTaskId: () => p.manyToOne(UnitTaskEntity).mapToPk().fieldName('unit_task_id').index().deleteRule('cascade'),
    kind: text<Question['kind']>(),
    prompt: text(),
    options: json<NonNullable<Question['options']>>().nullable(),
    multiple: p.boolean().nullable(),
    status: text<Question['status']>(),
    answer: text().nullable(),
    answeredBy: text().nullable(),
    answeredAt: time().nullable(),
    ...stamps,
  },
})
export type QuestionRow = InferEntity<typeof QuestionEntity>

export const ReviewCommentEntity = defineEntity({
  name: 'ReviewComment',
  tableName: 'review_comment',
  properties: {
    id: uuid().primary(),
    unitTaskId: () => p.manyToOne(UnitTaskEntity).mapToPk().fieldName('unit_task_id').index().deleteRule('cascade'),
    file: text(),
    startLine: p.integer(),
    endLine: p.integer(),
    side: text<ReviewComment['side']>(),
    text: text(),
    resolved: p.boolean(),
    ...stamps,
  },
})
export type ReviewCommentRow = InferEntity<typeof ReviewCommentEntity>
