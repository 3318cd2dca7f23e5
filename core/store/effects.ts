/** Effects: what an actor wants done, kept until it is (E3). */
import type { Json } from '../base/json.ts'
import { parseJson, toJsonText } from './json-text.ts'
import { isRowId, listOf, listParameter, now } from './rows.ts'
import type { Tx } from './tx.ts'

export interface NewEffect {
  readonly id: string
  readonly type: string
  readonly params: Json
  /** Milliseconds since 1970; 0, the default, is at once. */
  readonly notBefore?: number
}

export interface Effect extends Required<NewEffect> {
  readonly actorId: string
  /** How often it was tried and put off. */
  readonly attempts: number
}

/** Adds effects of an actor in their order. */
export async function addEffects(tx: Tx, actorId: string, effects: readonly NewEffect[]): Promise<void> {
  const sql = 'insert into effect (id, actor_id, type, params, attempts, not_before) values (?, ?, ?, ?, 0, ?)'
  for (const { id, type, params, notBefore = 0 } of effects) {
    await tx.run(sql, [id, actorId, type, toJsonText(params), notBefore])
  }
}

/** Gives false when it is finished already. */
export const finishEffect = async (tx: Tx, id: string): Promise<boolean> =>
  isRowId(id) && (await tx.run('delete from effect where id = ?', [id])) > 0

/** Puts an effect off and counts the attempt. `notBefore` is in milliseconds since 1970. */
export const retryEffect = async (tx: Tx, id: string, notBefore: number): Promise<boolean> =>
  isRowId(id) &&
  (await tx.run('update effect set attempts = attempts + 1, not_before = ? where id = ?', [notBefore, id])) > 0

/** Sets an effect aside: it is kept for a look, and not tried again. */
export const failEffect = async (tx: Tx, id: string): Promise<boolean> =>
  isRowId(id) && (await tx.run('update effect set failed_at = ? where id = ?', [now(tx), id])) > 0

export interface EffectSelection {
  readonly limit?: number
  /** Only effects that are due at this time, milliseconds since 1970. */
  readonly dueAt?: number
  /** Without these: the caller has them at work. */
  readonly except?: readonly string[]
}

/** Effects that are not finished, in the order in which they were added. */
export async function pendingEffects(tx: Tx, selection: EffectSelection = {}): Promise<Effect[]> {
  const { limit = Number.MAX_SAFE_INTEGER, dueAt = Number.MAX_SAFE_INTEGER, except = [] } = selection
  const rows = await tx.all<EffectRow>(
    `select id, actor_id as "actorId", type, params, attempts, not_before as "notBefore" from effect
     where failed_at is null and not_before <= ? and id not in ${listOf(tx, 'uuid')} order by position limit ?`,
    [dueAt, listParameter(tx, except), limit],
  )
  return rows.map((row) => toEffect(tx, row))
}

/** When the next effect that was put off is due, in milliseconds since 1970. */
export async function nextEffectTime(tx: Tx, after: number = tx.clock.now()): Promise<number | undefined> {
  const sql = 'select min(not_before) as next from effect where failed_at is null and not_before > ?'
  const row = await tx.get<{ next: number | string | null }>(sql, [after])
  return row?.next === null || row === undefined ? undefined : Number(row.next)
}

type EffectRow = Omit<Effect, 'notBefore'> & { notBefore: number | string }

const toEffect = (tx: Tx, row: EffectRow): Effect => ({
  ...row,
  params: parseJson(tx, row.params),
  notBefore: Number(row.notBefore),
})
