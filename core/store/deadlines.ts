/** Deadlines: events that an actor gets at a time. */
import type { Json } from '../base/json.ts'
import { parseJson, toJsonText, toPlainText } from './json-text.ts'
import { isRowId } from './rows.ts'
import type { Tx } from './tx.ts'

export interface Deadline {
  readonly actorId: string
  /** Its name within the actor: setting it again replaces it. */
  readonly key: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly event: Json
}

export async function setDeadline(tx: Tx, deadline: Deadline): Promise<void> {
  await tx.run(
    `insert into deadline (actor_id, key, at, event) values (?, ?, ?, ?)
     on conflict (actor_id, key) do update set at = excluded.at, event = excluded.event`,
    [deadline.actorId, toPlainText(deadline.key), deadline.at, toJsonText(deadline.event)],
  )
}

/** Cancels a deadline, with `at` only while it is still set for then. Gives false when there is no such deadline. */
export async function cancelDeadline(
  tx: Tx,
  deadline: Pick<Deadline, 'actorId' | 'key'> & { readonly at?: number },
): Promise<boolean> {
  if (!isRowId(deadline.actorId)) return false
  const sql = 'delete from deadline where actor_id = ? and key = ? and at = coalesce(?, at)'
  return (await tx.run(sql, [deadline.actorId, toPlainText(deadline.key), deadline.at ?? null])) > 0
}

/** Cancels all deadlines of an actor; gives their number. */
export const cancelDeadlines = async (tx: Tx, actorId: string): Promise<number> =>
  isRowId(actorId) ? tx.run('delete from deadline where actor_id = ?', [actorId]) : 0

/** Those due at a time (milliseconds since 1970), the earliest first. */
export async function dueDeadlines(
  tx: Tx,
  { now, limit }: { readonly now: number; readonly limit: number },
): Promise<Deadline[]> {
  const rows = await tx.all<{ actorId: string; key: string; at: number | string; event: Json }>(
    `select actor_id as "actorId", key, at, event from deadline where at <= ? order by at, actor_id, key limit ?`,
    [now, limit],
  )
  return rows.map((row) => ({ ...row, at: Number(row.at), event: parseJson(tx, row.event) }))
}

/** When the next deadline is due, in milliseconds since 1970. */
export async function nextDeadlineAt(tx: Tx): Promise<number | undefined> {
  const row = await tx.get<{ next: number | string | null }>('select min(at) as next from deadline')
  return row?.next === null || row === undefined ? undefined : Number(row.next)
}
