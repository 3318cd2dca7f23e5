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

/** Sets a deadline `delayMs` from now; gives when it is due. */
export async function setDeadline(
  tx: Tx,
  { actorId, key, delayMs, event }: Omit<Deadline, 'at'> & { readonly delayMs: number },
): Promise<number> {
  const at = tx.clock.now() + delayMs
  await tx.run(
    `insert into deadline (actor_id, key, at, delay_ms, event) values (?, ?, ?, ?, ?)
     on conflict (actor_id, key) do update set at = excluded.at, delay_ms = excluded.delay_ms, event = excluded.event`,
    [actorId, toPlainText(key), at, delayMs, toJsonText(event)],
  )
  return at
}

const STRAYED = 'at > delay_ms + ?'

/** True when one is further away than when it was set, by more than `slackMs`: the clock was set back since. */
export const haveStrayed = async (tx: Tx, { now, slackMs }: { now: number; slackMs: number }): Promise<boolean> =>
  (await tx.get(`select 1 as found from deadline where ${STRAYED} limit 1`, [now + slackMs])) !== undefined

/** Sets those anew that have strayed. Gives their number. */
export const renewDeadlines = (tx: Tx, { now, slackMs }: { now: number; slackMs: number }): Promise<number> =>
  tx.run(`update deadline set at = delay_ms + ? where ${STRAYED}`, [now, now + slackMs])

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
