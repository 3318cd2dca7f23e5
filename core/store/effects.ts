/** Effects: what an actor wants done, kept until it is (E3). */
import type { Json } from '../base/json.ts'
import { parseJson, toJsonText } from './json-text.ts'
import { listOf, listParameter } from './rows.ts'
import type { Tx } from './tx.ts'

export interface NewEffect {
  readonly id: string
  readonly type: string
  readonly params: Json
}

export interface Effect extends NewEffect {
  readonly actorId: string
}

/** Adds effects of an actor in their order. */
export async function addEffects(tx: Tx, actorId: string, effects: readonly NewEffect[]): Promise<void> {
  if (effects.length === 0) return
  const values = effects.map(() => '(?, ?, ?, ?)').join(', ')
  await tx.run(
    `insert into effect (id, actor_id, type, params) values ${values}`,
    effects.flatMap(({ id, type, params }) => [id, actorId, type, toJsonText(params)]),
  )
}

/** Gives the number of those that were not finished already. */
export const finishEffects = (tx: Tx, ids: readonly string[]): Promise<number> =>
  tx.run(`delete from effect where id in ${listOf(tx, 'uuid')}`, [listParameter(tx, ids)])

const COLUMNS = 'e.id, e.actor_id as "actorId", e.type, e.params'

/** The next effects of an actor, in their order; none while another engine runs them. */
export async function nextEffects(
  tx: Tx,
  { actorId, engineId, limit }: { readonly actorId: string; readonly engineId: string; readonly limit: number },
): Promise<Effect[]> {
  const rows = await tx.all<Effect>(
    `select ${COLUMNS} from effect e join actor a on a.id = e.actor_id
     where e.actor_id = ? and a.engine_id = ? order by e.position limit ?`,
    [actorId, engineId, limit],
  )
  return rows.map((row) => toEffect(tx, row))
}

/** The actors whose effects this engine has to run, the one that waits longest first. */
export async function actorsWithEffects(tx: Tx, engineId: string): Promise<string[]> {
  const rows = await tx.all<{ id: string }>(
    `select a.id from effect e join actor a on a.id = e.actor_id where a.engine_id = ?
     group by a.id order by min(e.position)`,
    [engineId],
  )
  return rows.map(({ id }) => id)
}

const toEffect = (tx: Tx, row: Effect): Effect => ({ ...row, params: parseJson(tx, row.params) })
