/**
 * The durable actor runtime: the only code that changes an actor.
 *
 * E1 One event at a time per actor, in the order of arrival: `lanes` in this process, the lock of the row across
 *    processes.
 * E2 A step commits whole or not at all: `commit.ts`.
 * E3 Effects run after the commit, at least once: `dispatcher.ts`. Those of one actor are all run by one engine.
 * E4 `claims.ts` finds what a crash left, of this engine or of another one: `lease.ts` says which are at work.
 * E6 Callers hear of a step, and listeners of a change, after its commit.
 * E7 An actor is a row; between two events nothing of it is in memory.
 */
import type { Clock } from '../base/clock.ts'
import { fail } from '../base/errors.ts'
import { faultPoint } from '../base/fault-point.ts'
import { newId } from '../base/ids.ts'
import type { Logger } from '../base/logger.ts'
import { makeTurns } from '../base/turns.ts'
import { within } from '../base/waiting.ts'
import type { ActorEvent, Effects } from '../machines/effects.ts'
import type { ActorState } from '../machines/step.ts'
import { finishEffects, type Effect } from '../store/effects.ts'
import type { Store } from '../store/store.ts'
import type { Tx } from '../store/tx.ts'
import { makeChanges, type Change, type Changes } from './changes.ts'
import { makeClaims, type Claims } from './claims.ts'
import { absent, commitEvent, commitFirst, type Delivery, type StepResult } from './commit.ts'
import { conflict } from './conflict.ts'
import { makeDeadlines, type Deadlines } from './deadlines.ts'
import { makeDispatcher, type Dispatcher } from './dispatcher.ts'
import { makeEffectRunner, type EffectHandlers } from './effect-runner.ts'
import { Finishing } from './finishing.ts'
import { makeLanes } from './lanes.ts'
import { LEASE_MS, makeLease, type Lease } from './lease.ts'
import { removeActor, type Removal } from './removal.ts'
import type { Committed, Owner, Settle, Spawned } from './step-writer.ts'

const DISPOSE_BOUND_MS = 10_000
/** Removals at once. On PostgreSQL each has a connection for as long as it takes, and everything else needs some too. */
const MOST_REMOVALS = 4

export interface Engine extends AsyncDisposable {
  /** Makes actors, all of them or none; `prepare` writes their rows in the same transaction. */
  spawn(actors: readonly Spawned[], prepare: (tx: Tx) => Promise<void>): Promise<void>
  /**
   * Delivers an event of a person, if `check`, asked within the transaction, throws nothing. Settles after the commit.
   * @throws TroupeError NOT_FOUND; CONFLICT when the status does not allow it, naming what is allowed.
   */
  command(actorId: string, event: ActorEvent, check?: (tx: Tx) => Promise<void>): Promise<ActorState>
  /** Delivers an event of the system, once per `eventId`. False when the state does not take it any more: not an error. */
  tell(actorId: string, event: ActorEvent, eventId?: string): Promise<boolean>
  /** The same for an event that is taken only if `allowed`, asked within the transaction, says so. */
  offer(actorId: string, event: ActorEvent, allowed: (tx: Tx) => Promise<boolean>): Promise<boolean>
  /** Removes the actor; it takes no event meanwhile. @throws TroupeError NOT_FOUND. */
  remove(actorId: string, removal: Removal): Promise<void>
  onChange(listener: (change: Change) => void): Disposable
  /** Runs what an earlier process left undone (E4). Call once, after the ports are ready. */
  recover(): Promise<void>
  /** Settles when no effect is left to run. */
  idle(): Promise<void>
}

export interface EngineDeps {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly handlers: (engine: Pick<Engine, 'tell'>) => EffectHandlers
  /** For effects that need not wait for their handler. */
  readonly settle?: Settle
  /** The workers whose sessions are within reach of the handlers; absent is all of them. */
  readonly workerIds?: readonly string[]
  /** Other bounds than the usual ones, for tests. */
  readonly bounds?: {
    /** After how long without a word other engines take this one for dead. */
    readonly leaseMs?: number
    /** How long an effect may take. */
    readonly effectMs?: number
  }
}

/** @example await using engine = makeEngine({ store, clock: systemClock, logger, handlers }) */
export const makeEngine = (deps: EngineDeps): Engine => new DurableEngine(deps)

class DurableEngine implements Engine {
  readonly #store: Store
  readonly #logger: Logger
  readonly #owner: Owner
  readonly #lanes = makeLanes()
  readonly #removeInTurn = makeTurns(MOST_REMOVALS)
  readonly #changes: Changes
  readonly #finishing: Finishing
  readonly #lease: Lease
  readonly #dispatcher: Dispatcher
  readonly #claims: Claims
  readonly #deadlines: Deadlines

  constructor({ workerIds, bounds: { leaseMs = LEASE_MS, effectMs } = {}, handlers, settle, ...deps }: EngineDeps) {
    const { store, logger } = deps
    const engineId = newId()
    this.#store = store
    this.#logger = logger
    this.#owner = { engineId, serves: (workerId) => workerIds?.includes(workerId) ?? true, settle }
    this.#changes = makeChanges(deps)
    this.#finishing = new Finishing(store)
    this.#lease = makeLease({ ...deps, engineId, leaseMs, onRenewed: () => this.#claims.lookSoon() })
    const run = makeEffectRunner({
      logger,
      finish: (effectId, turn) => this.#finishing.add(effectId, turn),
      effectMs,
      handlers: handlers({ tell: (...event) => this.tell(...event) }),
      deliver: (effect) => this.#deliver(effect),
    })
    this.#dispatcher = makeDispatcher({ ...deps, engineId, lease: this.#lease, run })
    const found = (actorIds: readonly string[]): void => this.#dispatcher.look(actorIds)
    this.#claims = makeClaims({ ...deps, lease: this.#lease, leaseMs, claimant: { engineId, workerIds }, found })
    this.#deadlines = makeDeadlines({ ...deps, fire: (delivery) => this.#send(delivery) })
  }

  async spawn(actors: readonly Spawned[], prepare: (tx: Tx) => Promise<void>): Promise<void> {
    const committed = await this.#store.transaction(async (tx) => {
      await prepare(tx)
      const all: Committed[] = []
      for (const actor of actors) all.push(await commitFirst(tx, actor, this.#owner))
      return all
    })
    faultPoint('engine.actor-committed')
    for (const each of committed) this.#publish(each)
  }

  async command(actorId: string, event: ActorEvent, check?: (tx: Tx) => Promise<void>): Promise<ActorState> {
    const claim = check && ((tx: Tx) => check(tx).then(() => true))
    const result = await this.#send({ actorId, event, eventId: newId(), claim })
    if (result.kind === 'refused') throw conflict(result.machine, result.snapshot, event.type)
    if (result.kind === 'absent') return absent(actorId)
    if (result.kind === 'committed') return result.state
    return fail('INTERNAL', `Event ${event.type} of record ${actorId} has an id that was used before.`)
  }

  async tell(actorId: string, event: ActorEvent, eventId: string = newId()): Promise<boolean> {
    const { kind } = await this.#send({ actorId, event, eventId })
    return kind === 'committed' || kind === 'repeated'
  }

  async offer(actorId: string, event: ActorEvent, allowed: (tx: Tx) => Promise<boolean>): Promise<boolean> {
    const { kind } = await this.#send({ actorId, event, eventId: newId(), claim: allowed })
    return kind === 'committed'
  }

  async remove(actorId: string, removal: Removal): Promise<void> {
    const work = async () => this.#changes.publish([await removeActor(this.#store, actorId, removal)])
    await this.#removeInTurn(() => this.#lanes.run(actorId, work))
  }

  onChange(listener: (change: Change) => void): Disposable {
    return this.#changes.subscribe(listener)
  }

  async recover(): Promise<void> {
    await this.#claims.look()
    await this.#deadlines.look()
  }

  idle(): Promise<void> {
    return this.#dispatcher.idle()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#changes[Symbol.dispose]()
    await this.#deadlines[Symbol.asyncDispose]()
    await this.#claims[Symbol.asyncDispose]()
    await this.#dispatcher[Symbol.asyncDispose]()
    this.#finishing[Symbol.dispose]()
    await within(DISPOSE_BOUND_MS, 'The last events', this.#lanes.idle()).catch((error: unknown) =>
      this.#logger.warn({ err: error }, 'An event was left behind.'),
    )
    await this.#lease[Symbol.asyncDispose]()
  }

  // E1
  #send(delivery: Delivery): Promise<StepResult> {
    return this.#lanes.run(delivery.actorId, async () => {
      const result = await this.#finishing.transaction(async (tx) => {
        const taken = await commitEvent(tx, delivery, this.#owner)
        faultPoint('engine.event-written', delivery.event.type)
        return taken
      })
      faultPoint('engine.event-committed', delivery.event.type)
      if (result.kind === 'committed') this.#publish(result)
      return result
    })
  }

  /** From actor to actor: once, because the effect goes in the transaction in which its event is taken. */
  async #deliver({ id, params }: Effect): Promise<void> {
    const { to, event } = params as unknown as Effects['send']
    const claim = async (tx: Tx): Promise<boolean> => (await finishEffects(tx, [id])) > 0
    await this.#send({ actorId: to, event, eventId: id, claim })
  }

  // E3, E6
  #publish({ effects, nextDeadline, changes }: Committed): void {
    this.#dispatcher.dispatch(effects)
    if (nextDeadline !== undefined) this.#deadlines.wake(nextDeadline)
    this.#changes.publish(changes)
  }
}
