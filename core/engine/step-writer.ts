/** Writes what a step has planned into its transaction, and notes what is to be done after the commit. */
import { newId } from '../base/ids.ts'
import type { Json } from '../base/json.ts'
import type { ActorEvent, MachineName, Records } from '../machines/effects.ts'
import { firstStep, machineVersion, type ActorState, type PlannedEffect, type Step } from '../machines/step.ts'
import { insertActor } from '../store/actors.ts'
import { cancelDeadline, cancelDeadlines, setDeadline } from '../store/deadlines.ts'
import { addEffects, type Effect } from '../store/effects.ts'
import type { Tx } from '../store/tx.ts'
import { announceChange, type Change } from './changes.ts'
import { insertSessionRow, taskOf, writeRecord } from './read-models.ts'

/** Who commits: its id, and whether it runs the effects that belong to a worker. */
export interface Owner {
  readonly engineId: string
  readonly serves: (workerId: string) => boolean
  readonly settle?: Settle | undefined
}

/**
 * Asked within the transaction of a step: the event to which one of its effects leads, if that is known at once. The actor
 * takes it in the same transaction, and the effect does not run.
 */
export type Settle = (tx: Tx, effect: PlannedEffect) => Promise<ActorEvent | undefined>

export interface Committed {
  readonly kind: 'committed'
  readonly state: ActorState
  /** Those that this engine runs; others were announced to the engine that does. */
  readonly effects: readonly Effect[]
  readonly changes: readonly Change[]
  /** When the earliest deadline set is due, milliseconds since 1970. */
  readonly nextDeadline: number | undefined
}

/** Events and parameters are plain data by construction; their interfaces just have no index signature. */
export const toJson = (value: object): Json => value as unknown as Json

export interface Spawned {
  readonly machine: MachineName
  readonly id: string
  readonly input: object
}

/** An actor within its step; `engineId` runs its effects. */
export interface Stepped {
  readonly machine: MachineName
  readonly id: string
  readonly engineId: string | null
}

export class StepWriter {
  readonly #tx: Tx
  readonly #owner: Owner
  readonly #effects: Effect[] = []
  readonly #deadlines: number[] = []
  /** By actor: one that takes two steps has changed once. */
  readonly #changes = new Map<string, Change>()

  constructor(tx: Tx, owner: Owner) {
    this.#tx = tx
    this.#owner = owner
  }

  /** The engine that is to run the effects of an actor: this one, if it may. */
  ownerFor(workerId: string | null): string | null {
    return workerId === null || this.#owner.serves(workerId) ? this.#owner.engineId : null
  }

  async write(actor: Stepped, step: Step): Promise<void> {
    await this.#writeDeadlines(actor.id, step)
    for (const record of step.records) {
      if (record.type === 'spawn') await this.#spawnSession(record.params)
      else await writeRecord(this.#tx, record)
    }
    await this.#writeEffects(actor, step)
    const change = { machine: actor.machine, actorId: actor.id, taskId: taskOf(step.state) }
    await announceChange(this.#tx, change)
    // Whoever follows its log elsewhere hears that no more will come.
    if (step.state.done) await this.#tx.announce('log', actor.id)
    this.#changes.set(actor.id, change)
  }

  async insert({ machine, id }: Spawned, step: Step, workerId: string | null): Promise<Stepped> {
    const engineId = this.ownerFor(workerId)
    const { snapshot } = step
    await insertActor(this.#tx, { id, machine, machineVersion: machineVersion(machine), snapshot, engineId, workerId })
    return { machine, id, engineId }
  }

  toCommitted(state: ActorState): Committed {
    const nextDeadline = this.#deadlines.length > 0 ? Math.min(...this.#deadlines) : undefined
    return { kind: 'committed', state, effects: this.#effects, changes: [...this.#changes.values()], nextDeadline }
  }

  async #spawnSession(params: Records['spawn']): Promise<void> {
    const step = firstStep(params.machine, params.input)
    await insertSessionRow(this.#tx, params, 'assigned')
    await this.write(await this.insert(params, step, params.input.workerId), step)
  }

  async #writeDeadlines(actorId: string, step: Step): Promise<void> {
    // Nothing can come of the deadlines of one that takes no event any more.
    if (step.state.done) await cancelDeadlines(this.#tx, actorId)
    else for (const key of step.cancelled) await cancelDeadline(this.#tx, { actorId, key })
    for (const { key, delayMs, event } of step.deadlines) {
      this.#deadlines.push(await setDeadline(this.#tx, { actorId, key, delayMs, event: toJson(event) }))
    }
  }

  async #writeEffects({ id: actorId, engineId }: Stepped, step: Step): Promise<void> {
    if (step.effects.length === 0) return
    const effects = step.effects.map(({ type, params }) => ({ id: newId(), actorId, type, params: toJson(params) }))
    await addEffects(this.#tx, actorId, effects)
    if (engineId === this.#owner.engineId) this.#effects.push(...effects)
    else await this.#tx.announce('effects', `${engineId ?? ''} ${actorId}`)
  }
}
