/**
 * One step of one actor in one transaction (E2): snapshot, journal entry, queryable row, records, effects, deadlines; and the
 * step after it, where an effect is settled at once. Nothing here is visible to anybody before the commit (E6).
 */
import { fail } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { ActorEvent, MachineName } from '../machines/effects.ts'
import {
  firstStep,
  isMachineName,
  machineVersion,
  nextStep,
  stateOf,
  type ActorState,
  type PlannedEffect,
  type Step,
} from '../machines/step.ts'
import { addJournal, deleteJournal, isInJournal, lockActor, updateActor, type Actor } from '../store/actors.ts'
import type { Tx } from '../store/tx.ts'
import { updateRow } from './read-models.ts'
import {
  StepWriter,
  toJson,
  type Committed,
  type Owner,
  type Settle,
  type Spawned,
  type Stepped,
} from './step-writer.ts'

export interface Delivery {
  readonly actorId: string
  readonly event: ActorEvent
  /** An actor takes an event of one id once. */
  readonly eventId: string
  /**
   * Uses up what the event comes from, in the same transaction, whatever comes of the event. False when that was done
   * before: then nothing happens.
   */
  readonly claim?: ((tx: Tx) => Promise<boolean>) | undefined
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
  const state = await writeStep({ tx, owner, writer }, { ...actor, workerId: null }, step)
  return writer.toCommitted(state)
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
  const writer = new StepWriter(tx, owner)
  return writer.toCommitted(await takeStep({ tx, owner, writer }, { ...actor, machine }, step))
}

interface Commit {
  readonly tx: Tx
  readonly owner: Owner
  readonly writer: StepWriter
}

type Stepping = Stepped & Pick<Actor, 'workerId'>

/** Gives the state after the step, as the next functions do: of the last one, where one has led to another. */
async function takeStep(commit: Commit, actor: Stepping, step: Step): Promise<ActorState> {
  const { tx, writer } = commit
  const { id, machine, workerId } = actor
  const { snapshot, state } = step
  const engineId = await updateActor(tx, {
    id,
    snapshot,
    machineVersion: machineVersion(machine),
    done: state.done,
    engineId: writer.ownerFor(workerId) ?? actor.engineId,
  })
  if (state.done) await deleteJournal(tx, id)
  return writeStep(commit, { ...actor, engineId }, step)
}

async function writeStep(commit: Commit, actor: Stepping, step: Step): Promise<ActorState> {
  const { tx, owner, writer } = commit
  await updateRow(tx, actor.id, step)
  const { effects, event } = await settleOne(tx, step.effects, owner)
  await writer.write(actor, { ...step, effects })
  return event ? goOn(commit, actor, { snapshot: step.snapshot, event }) : step.state
}

/** The first effect that is settled at once gives the event; the others stay. */
async function settleOne(tx: Tx, planned: readonly PlannedEffect[], { settle = leave }: Owner) {
  for (const effect of planned) {
    const event = await settle(tx, effect)
    if (event) return { effects: planned.filter((other) => other !== effect), event }
  }
  return { effects: planned }
}

const leave: Settle = async () => undefined

async function goOn(
  commit: Commit,
  actor: Stepping,
  { snapshot, event }: { snapshot: string; event: ActorEvent },
): Promise<ActorState> {
  const { id, machine } = actor
  const step = nextStep(machine, snapshot, event) ?? fail('INTERNAL', `Record ${id} does not take ${event.type}.`)
  await addJournal(commit.tx, { actorId: id, eventId: newId(), event: toJson(event) })
  return takeStep(commit, actor, step)
}

/** The state of a stored actor, which others cannot step until the transaction ends. @throws TroupeError NOT_FOUND, MACHINE_NEWER. */
export async function lockState(tx: Tx, actorId: string): Promise<ActorState> {
  const actor = (await lockActor(tx, actorId)) ?? absent(actorId)
  return stateOf(knownMachine(actor), actor.snapshot)
}

export const absent = (actorId: string): never => fail('NOT_FOUND', `There is no record ${actorId}.`)
