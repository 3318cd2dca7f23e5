/**
 * The durable actor runtime: the only code that changes an actor.
 *
 * E1 One event at a time per actor, in the order of arrival: `lanes` in this process, the version of the row across
 *    processes.
 * E2 A step commits whole or not at all: `commit.ts`.
 * E3 Effects run after the commit, at least once: `dispatcher.ts`.
 * E4 `recover` dispatches what a crash left.
 * E6 Callers hear of a step, and listeners of a change, after its commit.
 * E7 An actor is a row; between two events nothing of it is in memory.
 */
import type { Clock } from '../base/clock.ts'
import { fail, TroupeError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Logger } from '../base/logger.ts'
import type { ActorEvent } from '../machines/effects.ts'
import type { ActorState } from '../machines/step.ts'
import type { Store } from '../store/store.ts'
import type { Tx } from '../store/tx.ts'
import { makeChanges, type Change } from './changes.ts'
import { commitFirst, loadState, type Committed, type Spawned } from './commit.ts'
import { conflict } from './conflict.ts'
import { makeDeadlines } from './deadlines.ts'
import { makeDispatcher, type EffectHandlers } from './dispatcher.ts'
import { makeLanes } from './lanes.ts'
import { taskOf } from './read-models.ts'
import { takeEvent, type TakenEvent } from './take-event.ts'

export interface Engine extends AsyncDisposable {
  /** Makes an actor; `prepare` writes its row in the same transaction. */
  spawn(actor: Spawned, prepare: (tx: Tx) => Promise<void>): Promise<ActorState>
  /**
   * Delivers an event of a person. Settles after the commit.
   * @throws TroupeError NOT_FOUND; CONFLICT when the status does not allow it, naming what is allowed.
   */
  command(actorId: string, event: ActorEvent): Promise<ActorState>
  /** Delivers an event of the system, once per `eventId`. False when the state does not take it any more: not an error. */
  tell(actorId: string, event: ActorEvent, eventId?: string): Promise<boolean>
  /** Runs `work`, which removes the actor's rows, while the actor takes no event. @throws TroupeError NOT_FOUND. */
  remove(actorId: string, work: (state: ActorState) => Promise<void>): Promise<void>
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
}

export function makeEngine({ store, clock, logger, handlers }: EngineDeps): Engine {
  const lanes = makeLanes()
  const changes = makeChanges()

  function publish(committed: Committed): void {
    dispatcher.dispatch(committed.effects)
    if (committed.nextDeadline !== undefined) deadlines.wake(committed.nextDeadline)
    changes.publish(committed.changes)
  }

  const send = (actorId: string, event: ActorEvent, eventId: string): Promise<TakenEvent> =>
    lanes.run(actorId, async () => {
      const result = await takeEvent(store, { actorId, event, eventId })
      if (result.kind === 'committed') publish(result)
      return result
    })

  async function tell(actorId: string, event: ActorEvent, eventId: string = newId()): Promise<boolean> {
    try {
      return (await send(actorId, event, eventId)).kind !== 'refused'
    } catch (error) {
      // The record was deleted meanwhile: nobody is left to tell.
      if (error instanceof TroupeError && error.code === 'NOT_FOUND') return false
      throw error
    }
  }

  const dispatcher = makeDispatcher({ store, logger, handlers: handlers({ tell }) })
  const deadlines = makeDeadlines({ store, clock, logger, fire: tell })

  return {
    tell,
    onChange: (listener) => changes.subscribe(listener),
    idle: () => dispatcher.idle(),
    async spawn(actor, prepare) {
      const committed = await store.transaction(async (tx) => {
        await prepare(tx)
        return commitFirst(tx, actor)
      })
      publish(committed)
      return committed.state
    },
    async command(actorId, event) {
      const result = await send(actorId, event, newId())
      if (result.kind === 'refused') throw conflict(result.machine, result.snapshot, event.type)
      if (result.kind === 'committed') return result.state
      return fail('INTERNAL', `Event ${event.type} of record ${actorId} has an id that was used before.`)
    },
    remove: (actorId, work) =>
      lanes.run(actorId, async () => {
        const state = await store.read((tx) => loadState(tx, actorId))
        await work(state)
        changes.publish([{ machine: 'unitTask', actorId, taskId: taskOf(state) }])
      }),
    async recover() {
      await dispatcher.recover()
      await deadlines.look()
    },
    async [Symbol.asyncDispose]() {
      await deadlines[Symbol.asyncDispose]()
      await dispatcher[Symbol.asyncDispose]()
      await lanes.idle()
    },
  }
}
