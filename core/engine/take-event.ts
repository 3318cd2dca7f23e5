/** One event, taken by one actor: tried again when another engine was quicker (E1), rolled back when nothing came of it. */
import { fail } from '../base/errors.ts'
import type { ActorEvent } from '../machines/effects.ts'
import type { Store } from '../store/store.ts'
import { commitEvent, type StepResult } from './commit.ts'

/** Two engines that step one actor at once: one wins, the other loads again. This often is a defect, not bad luck. */
const MAX_OVERTAKEN = 20

export type TakenEvent = Exclude<StepResult, { kind: 'overtaken' }>

export interface EventDelivery {
  readonly actorId: string
  readonly event: ActorEvent
  /** An actor takes an event of one id once. */
  readonly eventId: string
}

/** @throws TroupeError NOT_FOUND, MACHINE_NEWER, STORE_... */
export async function takeEvent(store: Store, delivery: EventDelivery): Promise<TakenEvent> {
  for (let attempt = 0; attempt < MAX_OVERTAKEN; attempt += 1) {
    const result = await tryOnce(store, delivery)
    if (result.kind !== 'overtaken') return result
  }
  return fail('STORE_BUSY', `Record ${delivery.actorId} is changed by others all the time. Try again.`)
}

async function tryOnce(store: Store, { actorId, event, eventId }: EventDelivery): Promise<StepResult> {
  try {
    return await store.transaction(async (tx) => {
      const result = await commitEvent(tx, actorId, event, eventId)
      // What a refused or overtaken step has written is rolled back by leaving the transaction through an error.
      if (result.kind === 'refused' || result.kind === 'overtaken') throw new Undone(result)
      return result
    })
  } catch (error) {
    if (error instanceof Undone) return error.result
    throw error
  }
}

/** Carries a result out of a transaction that must be rolled back. */
class Undone extends Error {
  readonly result: StepResult
  constructor(result: StepResult) {
    super('The step was undone.')
    this.result = result
  }
}
