/** The messages of sessions. */
import type { MessageType } from '../contract/messages.ts'
import { isRowId } from './rows.ts'
import type { SqlValue, Tx } from './tx.ts'

export interface NewMessage {
  readonly sessionId: string
  readonly seq: number
  readonly type: MessageType
  /** ISO 8601, UTC. */
  readonly at: string
  /** JSON text that begins with `{"type":`. */
  readonly body: string
  /** Size in bytes of the whole body, when `body` is a preview of it. */
  readonly fullBytes?: number
}

export interface StoredMessage {
  readonly seq: number
  /** JSON text as it travels. */
  readonly json: string
}

const COLUMNS = ['session_id', 'seq', 'type', 'at', 'body', 'full_bytes']
const PG_TYPES = ['uuid', 'bigint', 'text', 'timestamptz', 'text', 'bigint']
/** Rows per statement on SQLite: a few sizes, so that each is prepared once. */
const CHUNKS = [64, 8, 1]

const toValues = (m: NewMessage): SqlValue[] => [m.sessionId, m.seq, m.type, m.at, m.body, m.fullBytes ?? null]

/**
 * Adds messages of any sessions.
 * @throws TroupeError CONFLICT when a sequence number is taken or a session is missing.
 */
export const insertMessages = (tx: Tx, messages: readonly NewMessage[]): Promise<void> =>
  tx.driver === 'sqlite' ? insertInChunks(tx, messages) : insertUnnested(tx, messages)

async function insertInChunks(tx: Tx, messages: readonly NewMessage[]): Promise<void> {
  let start = 0
  for (const size of CHUNKS) {
    const rows = Array.from({ length: size }, () => '(?, ?, ?, ?, ?, ?)').join(', ')
    const sql = `insert into message (${COLUMNS.join(', ')}) values ${rows}`
    for (; messages.length - start >= size; start += size) {
      await tx.run(sql, messages.slice(start, start + size).flatMap(toValues))
    }
  }
}

async function insertUnnested(tx: Tx, messages: readonly NewMessage[]): Promise<void> {
  const rows = messages.map(toValues)
  const lists = PG_TYPES.map((type) => `?::${type}[]`).join(', ')
  await tx.run(
    `insert into message (${COLUMNS.join(', ')}) select * from unnest(${lists})`,
    COLUMNS.map((_, column) => rows.map((row) => row[column] ?? null)),
  )
}

/** Keeps the whole body of a message whose row has a preview. */
export async function insertMessageBody(
  tx: Tx,
  whole: { readonly sessionId: string; readonly seq: number; readonly body: string },
): Promise<void> {
  const sql = 'insert into message_body (session_id, seq, body) values (?, ?, ?)'
  await tx.run(sql, [whole.sessionId, whole.seq, whole.body])
}

/** Sequence numbers after one, of messages whose whole body is kept beside them. */
export async function listBodies(
  tx: Tx,
  { sessionId, after, limit }: { readonly sessionId: string; readonly after: number; readonly limit: number },
): Promise<number[]> {
  const sql = 'select seq from message_body where session_id = ? and seq > ? order by seq limit ?'
  return (await tx.all<{ seq: number | string }>(sql, [sessionId, after, limit])).map(({ seq }) => Number(seq))
}

/** The highest sequence number of a session; 0 when it has no messages. */
export async function lastSeq(tx: Tx, sessionId: string): Promise<number> {
  if (!isRowId(sessionId)) return 0
  const row = await tx.get<{ seq: number | string | null }>(
    'select max(seq) as seq from message where session_id = ?',
    [sessionId],
  )
  return Number(row?.seq ?? 0)
}

export interface MessagePage {
  readonly sessionId: string
  readonly after: number
  readonly limit: number
  /** Ends the page with the first message that reaches this size. Default 4 MiB. */
  readonly maxBytes?: number
}

/** Messages after a sequence number, in order. The total of bytes is taken in the database: it does not load them. */
export async function readMessages(tx: Tx, page: MessagePage): Promise<StoredMessage[]> {
  const { sessionId, after, limit, maxBytes = 4 * 1024 * 1024 } = page
  if (!isRowId(sessionId)) return []
  const rows = await tx.all<{ seq: number | string; at: string; body: string; fullBytes: number | string | null }>(
    `select seq, at, body, full_bytes as "fullBytes" from (
       select seq, at, body, full_bytes, octet_length(body) as size, sum(octet_length(body)) over (order by seq) as total
       from (select * from message where session_id = ? and seq > ? order by seq limit ?) page
     ) sized where total - size < ? order by seq`,
    [sessionId, after, limit, maxBytes],
  )
  return rows.map((row) => {
    const head = { sessionId, seq: Number(row.seq), at: new Date(row.at).toISOString() }
    const json = toMessageJson({ ...head, body: row.body, ...(row.fullBytes && { fullBytes: Number(row.fullBytes) }) })
    return { seq: head.seq, json }
  })
}

/** A message as it travels, spliced: the body is not parsed. */
export function toMessageJson(message: Omit<NewMessage, 'type'>): string {
  const full = message.fullBytes === undefined ? '' : `,"fullBytes":${message.fullBytes}`
  return `{"sessionId":"${message.sessionId}","seq":${message.seq},"at":"${message.at}"${full},${message.body.slice(1)}`
}

/** The whole body of a message, as JSON text. */
export async function getMessageBody(
  tx: Tx,
  { sessionId, seq }: { readonly sessionId: string; readonly seq: number },
): Promise<string | undefined> {
  if (!isRowId(sessionId)) return undefined
  const row = await tx.get<{ body: string }>(
    `select coalesce(b.body, m.body) as body from message m
     left join message_body b on b.session_id = m.session_id and b.seq = m.seq
     where m.session_id = ? and m.seq = ?`,
    [sessionId, seq],
  )
  return row?.body
}
