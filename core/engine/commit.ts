/**
 * One step of one actor in one transaction (E2): snapshot, journal entry, queryable row, records, effects, deadlines.
 * Nothing here is visible to anybody before the commit (E6).
 */
import { fail } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Json } from '../base/json.ts'
import type { ActorEvent, MachineName, Records } from '../machines/effects.ts'
import {
  firstStep,
  isMachineName,
  machineVersion,
  nextStep,
  stateOf,
  type ActorState,
  type Step,
} from '../machines/step.ts'
import { addJournal, getActor, insertActor, updateActor, type Actor } from '../store/actors.ts'
import { cancelDeadline, setDeadline } from '../store/deadlines.ts'
import { addEffects, type Effect } from '../store/effects.ts'
import type { Tx } from '../store/tx.ts'
import type { Change } from './changes.ts'
import { insertSessionRow, taskOf, updateRow, writeRecord } from './read-models.ts'

/** An effect that is a row and waits to be run. */
export type PendingEffect = Pick<Effect, 'id' | 'actorId' | 'type' | 'params' | 'attempts'>

export interface Committed {
  readonly kind: 'committed'
  readonly state: ActorState
  readonly effects: readonly PendingEffect[]
  readonly changes: readonly Change[]
  /** When the earliest deadline set is due, milliseconds since 1970. */
  readonly nextDeadline: number | undefined
}

export type StepResult =
  | Committed
  /** The event had been taken before. */
  | { readonly kind: 'repeated' }
  /** The state does not take the event; nothing has changed. */
  | { readonly kind: 'refused'; readonly machine: MachineName; readonly snapshot: string }
  /** Another engine stepped the actor in between: load and try again (E1). */
  | { readonly kind: 'overtaken' }

/** Events and parameters are plain data by construction; their interfaces just have no index signature. */
const toJson = (value: object): Json => value as unknown as Json

interface Written {
  readonly effects: PendingEffect[]
  readonly deadlines: number[]
  readonly changes: Change[]
}

export interface Spawned {
  readonly machine: MachineName
  readonly id: string
  readonly input: object
}

async function writePlans(
  tx: Tx,
  actor: { machine: MachineName; id: string },
  step: Step,
  written: Written,
): Promise<void> {
  for (const key of step.cancelled) await cancelDeadline(tx, { actorId: actor.id, key })
  for (const deadline of step.deadlines) {
    const at = tx.clock.now() + deadline.delayMs
    await setDeadline(tx, { actorId: actor.id, key: deadline.key, at, event: toJson(deadline.event) })
    written.deadlines.push(at)
  }
  for (const record of step.records) {
    if (record.type === 'spawn') await spawnSession(tx, record.params, written)
    else await writeRecord(tx, record)
  }
  const effects = step.effects.map(({ type, params }) => ({ id: newId(), type, params: toJson(params) }))
  await addEffects(tx, actor.id, effects)
  written.effects.push(...effects.map((effect) => ({ ...effect, actorId: actor.id, attempts: 0 })))
  written.changes.push({ machine: actor.machine, actorId: actor.id, taskId: taskOf(step.state) })
}

async function spawnSession(tx: Tx, params: Records['spawn'], written: Written): Promise<void> {
  const step = firstStep(params.machine, params.input)
  await insertSessionRow(tx, params, 'assigned')
  await insertSnapshot(tx, params, step)
  await writePlans(tx, params, step, written)
}

const insertSnapshot = (tx: Tx, { machine, id }: { machine: MachineName; id: string }, step: Step): Promise<void> =>
  insertActor(tx, {
    id,
    machine,
    machineVersion: machineVersion(machine),
    snapshot: step.snapshot,
  })

function toCommitted(state: ActorState, written: Written): Committed {
  const nextDeadline = written.deadlines.length > 0 ? Math.min(...written.deadlines) : undefined
  return { kind: 'committed', state, effects: written.effects, changes: written.changes, nextDeadline }
}

/** Makes an actor; the caller has written its row. */
export async function commitFirst(tx: Tx, spawned: Spawned): Promise<Committed> {
  const step = firstStep(spawned.machine, spawned.input)
  const written: Written = { effects: [], deadlines: [], changes: [] }
  await insertSnapshot(tx, spawned, step)
  await updateRow(tx, spawned.id, step.state)
  await writePlans(tx, spawned, step, written)
  return toCommitted(step.state, written)
}

function knownMachine(actor: Actor): MachineName {
  if (!isMachineName(actor.machine) || actor.machineVersion > machineVersion(actor.machine)) {
    fail(
      'MACHINE_NEWER',
      `Record ${actor.id} was written by version ${actor.machineVersion} of the ${actor.machine} machine, which this program does not know. Start a newer Troupe.`,
    )
  }
  return actor.machine
}

/** Takes one event. @throws TroupeError NOT_FOUND, MACHINE_NEWER. */
export async function commitEvent(tx: Tx, actorId: string, event: ActorEvent, eventId: string): Promise<StepResult> {
  const actor = (await getActor(tx, actorId)) ?? fail('NOT_FOUND', `There is no record ${actorId}.`)
  const machine = knownMachine(actor)
  if (!(await addJournal(tx, { actorId, eventId, event: toJson(event), at: tx.clock.now() })))
    return { kind: 'repeated' }
  const step = nextStep(machine, actor.snapshot, event)
  if (!step) return { kind: 'refused', machine, snapshot: actor.snapshot }
  const saved = await updateActor(tx, {
    id: actorId,
    fromVersion: actor.version,
    snapshot: step.snapshot,
    machineVersion: machineVersion(machine),
    done: step.state.done,
  })
  if (!saved) return { kind: 'overtaken' }
  const written: Written = { effects: [], deadlines: [], changes: [] }
  await updateRow(tx, actorId, step.state)
  await writePlans(tx, { machine, id: actorId }, step, written)
  return toCommitted(step.state, written)
}

/** The state of a stored actor. @throws TroupeError NOT_FOUND, MACHINE_NEWER. */
export async function loadState(tx: Tx, actorId: string): Promise<ActorState> {
  const actor = (await getActor(tx, actorId)) ?? fail('NOT_FOUND', `There is no record ${actorId}.`)
  return stateOf(knownMachine(actor), actor.snapshot)
}
