/** Actors and their journal. */
import type { Json } from '../base/json.ts'
import { toJsonText, toPlainText } from './json-text.ts'
import { isRowId, now, rowLock } from './rows.ts'
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
  /** The engine that runs its effects; null until one that may has taken it. */
  readonly engineId: string | null
  /** Where its effects have to run; null is anywhere. */
  readonly workerId: string | null
}

export type NewActor = Pick<Actor, 'id' | 'machine' | 'machineVersion' | 'snapshot'> &
  Partial<Pick<Actor, 'engineId' | 'workerId'>>

/** @throws TroupeError CONFLICT when the id is taken. */
export async function insertActor(tx: Tx, actor: NewActor): Promise<void> {
  const { id, machine, machineVersion, snapshot, engineId = null, workerId = null } = actor
  await tx.run(
    `insert into actor (id, machine, machine_version, version, snapshot, done, engine_id, worker_id, updated_at)
     values (?, ?, ?, 1, ?, ${bool(tx, false)}, ?, ?, ?)`,
    [id, machine, machineVersion, snapshot, engineId, workerId, now(tx)],
  )
}

const COLUMNS = `id, machine, machine_version as "machineVersion", version, snapshot, done, engine_id as "engineId",
  worker_id as "workerId"`

export const getActor = (tx: Tx, id: string): Promise<Actor | undefined> => readActor(tx, id, '')

/** Keeps others from stepping the actor until the transaction ends; on SQLite the transaction itself does. */
export const lockActor = (tx: Tx, id: string): Promise<Actor | undefined> => readActor(tx, id, rowLock(tx))

async function readActor(tx: Tx, id: string, lock: string): Promise<Actor | undefined> {
  if (!isRowId(id)) return undefined
  const row = await tx.get<ActorRow>(`select ${COLUMNS} from actor where id = ? ${lock}`, [id])
  return row && { ...row, done: toBoolean(row.done) }
}

/**
 * Steps a locked actor. `engineId` becomes the engine that runs its effects, unless there are some: those of one actor
 * are all run by one engine, in their order. Gives the engine that does.
 */
export async function updateActor(
  tx: Tx,
  step: Pick<Actor, 'id' | 'snapshot' | 'machineVersion' | 'done' | 'engineId'>,
): Promise<string | null> {
  const row = await tx.get<Pick<Actor, 'engineId'>>(
    `update actor set version = version + 1, snapshot = ?, machine_version = ?, done = ${bool(tx, step.done)},
     updated_at = ?,
     engine_id = case when exists (select 1 from effect e where e.actor_id = actor.id) then engine_id else ? end
     where id = ? returning engine_id as "engineId"`,
    [step.snapshot, step.machineVersion, now(tx), step.engineId, step.id],
  )
  return row?.engineId ?? null
}

export interface JournalEntry {
  readonly actorId: string
  readonly eventId: string
  readonly event: Json
}

/** Gives false when the actor has seen this event before. */
export async function addJournal(tx: Tx, { actorId, eventId, event }: JournalEntry): Promise<boolean> {
  const added = await tx.run(
    `insert into journal_entry (actor_id, event_id, event, at) values (?, ?, ?, ?)
     on conflict (actor_id, event_id) do nothing`,
    [actorId, toPlainText(eventId), toJsonText(event), now(tx)],
  )
  return added > 0
}

export async function isInJournal(tx: Tx, actorId: string, eventId: string): Promise<boolean> {
  const sql = 'select 1 as found from journal_entry where actor_id = ? and event_id = ?'
  return (await tx.get(sql, [actorId, toPlainText(eventId)])) !== undefined
}

/** Forgets which events an actor has seen: one that takes no event any more needs no journal. */
export const deleteJournal = (tx: Tx, actorId: string): Promise<number> =>
  tx.run('delete from journal_entry where actor_id = ?', [actorId])

type ActorRow = Omit<Actor, 'done'> & { readonly done: boolean | number }

const toBoolean = (value: boolean | number): boolean => value === true || value === 1
const bool = (tx: Tx, value: boolean): string => (tx.driver === 'sqlite' ? String(Number(value)) : `${value}`)
