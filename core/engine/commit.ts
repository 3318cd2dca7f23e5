/**
 * One step of one actor in one transaction (E2): snapshot, journal entry, queryable row, records, effects, deadlines.
 * Nothing here is visible to anybody before the commit (E6).
 */
import { fail } from '../base/errors.ts'
import type { ActorEvent, MachineName } from '../machines/effects.ts'
import {
  firstStep,
  isMachineName,
  machineVersion,
  nextStep,
  stateOf,
  type ActorState,
  type Step,
} from '../machines/step.ts'
import {
  addJournal,
  deleteJournal,
  getActor,
  isInJournal,
  lockActor,
  updateActor,
  type Actor,
} from '../store/actors.ts'
import type { Tx } from '../store/tx.ts'
import { updateRow } from './read-models.ts'
import { StepWriter, toJson, type Committed, type Owner, type Spawned } from './step-writer.ts'

export interface Delivery {
  readonly actorId: string
  readonly event: ActorEvent
  /** An actor takes an event of one id once. */
  readonly eventId: string
  /**
   * Uses up what the event comes from, in the same transaction, whatever comes of the event. False when that was done
   * before: then nothing happens.
   */
  readonly claim?: (tx: Tx) => Promise<boolean>
}

export type StepResult =
  | Committed
  /** The event had been taken before. */
  | { readonly kind: 'repeated' }
  /** The state does not take the event; the actor has not changed. */
  | { readonly kind: 'refused'; readonly machine: MachineName; readonly snapshot: string }
  /** There is no such actor. */
  | { readonly kind: 'absent' }

/** Makes an actor; the caller has written its row. */
export async function commitFirst(tx: Tx, spawned: Spawned, owner: Owner): Promise<Committed> {
  const step = firstStep(spawned.machine, spawned.input)
  const writer = new StepWriter(tx, owner)
  const actor = await writer.insert(spawned, step, null)
  await updateRow(tx, spawned.id, step)
  await writer.write(actor, step)
  return writer.toCommitted(step.state)
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

/** Takes one event. @throws TroupeError MACHINE_NEWER. */
export async function commitEvent(tx: Tx, delivery: Delivery, owner: Owner): Promise<StepResult> {
  const { actorId, event, eventId, claim } = delivery
  const actor = await lockActor(tx, actorId)
  if (claim && !(await claim(tx))) return { kind: 'repeated' }
  if (!actor) return { kind: 'absent' }
  const machine = knownMachine(actor)
  const step = nextStep(machine, actor.snapshot, event)
  if (!step) {
    if (await isInJournal(tx, actorId, eventId)) return { kind: 'repeated' }
    return { kind: 'refused', machine, snapshot: actor.snapshot }
  }
  if (!(await addJournal(tx, { actorId, eventId, event: toJson(event) }))) return { kind: 'repeated' }
  return commitStep(tx, { actor, machine, step }, owner)
}

async function commitStep(
  tx: Tx,
  { actor, machine, step }: { actor: Actor; machine: MachineName; step: Step },
  owner: Owner,
): Promise<Committed> {
  const { id } = actor
  const { snapshot, state } = step
  const writer = new StepWriter(tx, owner)
  const engineId = await updateActor(tx, {
    id,
    snapshot,
    machineVersion: machineVersion(machine),
    done: state.done,
    engineId: writer.ownerFor(actor.workerId) ?? actor.engineId,
  })
  if (state.done) await deleteJournal(tx, id)
  await updateRow(tx, id, step)
  await writer.write({ machine, id, engineId }, step)
  return writer.toCommitted(state)
}

/** The state of a stored actor. @throws TroupeError NOT_FOUND, MACHINE_NEWER. */
export async function loadState(tx: Tx, actorId: string): Promise<ActorState> {
  const actor = (await getActor(tx, actorId)) ?? absent(actorId)
  return stateOf(knownMachine(actor), actor.snapshot)
}

export const absent = (actorId: string): never => fail('NOT_FOUND', `There is no record ${actorId}.`)
