/** Actors and their journal. */
import type { Json } from '../base/json.ts'
import { toJsonText, toPlainText } from './json-text.ts'
import { isRowId, listOf, listParameter, now } from './rows.ts'
import type { Tx } from './tx.ts'

export interface Actor {
  readonly id: string
  readonly machine: string
  readonly machineVersion: number
  /** Counts its steps, from 1. */
  readonly version: number
  /** JSON text. */
  readonly snapshot: string
  /** In a final state. */
  readonly done: boolean
}

/** @throws TroupeError CONFLICT when the id is taken. */
export async function insertActor(tx: Tx, actor: Omit<Actor, 'version' | 'done'>): Promise<void> {
  await tx.run(
    `insert into actor (id, machine, machine_version, version, snapshot, done, updated_at)
     values (?, ?, ?, 1, ?, ${bool(tx, false)}, ?)`,
    [actor.id, actor.machine, actor.machineVersion, actor.snapshot, now(tx)],
  )
}

export async function getActor(tx: Tx, id: string): Promise<Actor | undefined> {
  if (!isRowId(id)) return undefined
  const row = await tx.get<ActorRow>(
    `select id, machine, machine_version as "machineVersion", version, snapshot, done from actor where id = ?`,
    [id],
  )
  return row && { ...row, done: toBoolean(row.done) }
}

/** Gives false, and changes nothing, when another step came in between: the version is no longer `fromVersion`. */
export async function updateActor(
  tx: Tx,
  step: Pick<Actor, 'id' | 'snapshot' | 'machineVersion' | 'done'> & { readonly fromVersion: number },
): Promise<boolean> {
  const changed = await tx.run(
    `update actor set version = version + 1, snapshot = ?, machine_version = ?, done = ${bool(tx, step.done)},
     updated_at = ? where id = ? and version = ?`,
    [step.snapshot, step.machineVersion, now(tx), step.id, step.fromVersion],
  )
  return changed > 0
}

/** Removes actors with their journal, effects and deadlines. */
export const deleteActors = (tx: Tx, ids: readonly string[]): Promise<number> =>
  tx.run(`delete from actor where id in ${listOf(tx, 'uuid')}`, [listParameter(tx, ids.filter(isRowId))])

/** Gives false when the actor has seen this event before. `at` is in milliseconds since 1970. */
export async function addJournal(
  tx: Tx,
  entry: { readonly actorId: string; readonly eventId: string; readonly event: Json; readonly at: number },
): Promise<boolean> {
  const added = await tx.run(
    `insert into journal_entry (actor_id, event_id, event, at) values (?, ?, ?, ?)
     on conflict (actor_id, event_id) do nothing`,
    [entry.actorId, toPlainText(entry.eventId), toJsonText(entry.event), new Date(entry.at).toISOString()],
  )
  return added > 0
}

type ActorRow = Omit<Actor, 'done'> & { readonly done: boolean | number }

const toBoolean = (value: boolean | number): boolean => value === true || value === 1
const bool = (tx: Tx, value: boolean): string => (tx.driver === 'sqlite' ? String(Number(value)) : `${value}`)
