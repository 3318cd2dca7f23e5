/** The engines on a database: who is at work, and what those that are not have left to others. */
import { listOf, listParameter, now } from './rows.ts'
import type { Tx } from './tx.ts'

/** Says that the engine is at work. The time is the database's, so that the clocks of servers do not matter. */
export async function markEngine(tx: Tx, id: string): Promise<void> {
  const at = tx.driver === 'sqlite' ? `'${now(tx)}'` : 'now()'
  const sql = `insert into engine (id, seen_at) values (?, ${at}) on conflict (id) do update set seen_at = excluded.seen_at`
  await tx.run(sql, [id])
}

/**
 * Forgets engines that were not heard of for `leaseMs`; gives their number. On SQLite all others: whoever opens the data
 * directory is the only one.
 */
export const deleteDeadEngines = (
  tx: Tx,
  { engineId, leaseMs }: { readonly engineId: string; readonly leaseMs: number },
): Promise<number> =>
  tx.driver === 'sqlite'
    ? tx.run('delete from engine where id <> ?', [engineId])
    : tx.run(`delete from engine where id <> ? and seen_at < now() - ? * interval '1 millisecond'`, [engineId, leaseMs])

export const deleteEngine = (tx: Tx, id: string): Promise<number> => tx.run('delete from engine where id = ?', [id])

export interface Claimant {
  readonly engineId: string
  /** The workers that it serves; absent is all. */
  readonly workerIds?: readonly string[] | undefined
}

/** Takes over the actors with effects that no engine at work runs; gives their number. */
export function claimActors(tx: Tx, { engineId, workerIds }: Claimant): Promise<number> {
  const served = workerIds ? `and (a.worker_id is null or a.worker_id in ${listOf(tx, 'uuid')})` : ''
  const parameters = workerIds ? [listParameter(tx, workerIds)] : []
  // An actor in a step is left for the next time.
  const lock = tx.driver === 'sqlite' ? '' : 'for no key update of a skip locked'
  return tx.run(
    `update actor set engine_id = ? where id in (
       select a.id from actor a
       where a.id in (select e.actor_id from effect e)
       and not exists (select 1 from engine n where n.id = a.engine_id) ${served} ${lock})`,
    [engineId, ...parameters],
  )
}
