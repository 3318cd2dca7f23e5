/** The log: messages, the whole bodies of large ones, and how far a session's output was read. */
import { defineEntity, p } from '@mikro-orm/sql'
import { count, serial, text, time } from './columns.ts'
import { AgentSessionEntity } from './tasks.ts'

/** A rowid and an index beside it: a table clustered by (session, seq) is three times slower to append to. */
export const MessageEntity = defineEntity({
  name: 'Message',
  tableName: 'message',
  uniques: [{ properties: ['sessionId', 'seq'] }],
  properties: {
    id: serial(),
    sessionId: () =>
      p.manyToOne(AgentSessionEntity).mapToPk().fieldName('session_id').index(false).deleteRule('cascade'),
    seq: count(),
    type: text(),
    at: time(),
    /** JSON text, `text` on both: it is sent on without being parsed. */
    body: text(),
    /** Size of the whole body in bytes, when `body` is a preview. */
    fullBytes: count().nullable(),
  },
})

export const MessageBodyEntity = defineEntity({
  name: 'MessageBody',
  tableName: 'message_body',
  primaryKeys: ['sessionId', 'seq'],
  properties: {
    sessionId: () =>
      p.manyToOne(AgentSessionEntity).mapToPk().primary().fieldName('session_id').index(false).deleteRule('cascade'),
    seq: count().primary(),
    body: text(),
  },
})

export const SessionProgressEntity = defineEntity({
  name: 'SessionProgress',
  tableName: 'session_progress',
  properties: {
    sessionId: () =>
      p.manyToOne(AgentSessionEntity).mapToPk().primary().fieldName('session_id').index(false).deleteRule('cascade'),
    progress: text(),
    updatedAt: time(),
  },
})

/** A log whose messages were moved out of the database. */
export const RetiredLogEntity = defineEntity({
  name: 'RetiredLog',
  tableName: 'retired_log',
  properties: {
    sessionId: () =>
      p.manyToOne(AgentSessionEntity).mapToPk().primary().fieldName('session_id').index(false).deleteRule('cascade'),
    fate: text<'archived' | 'dropped'>(),
    lastSeq: count(),
    /** JSON text: where in its archive what is. */
    blocks: text().nullable(),
    at: time(),
  },
})
