/**
 * Removes an actor: first what it has outside of the database, then its rows.
 *
 * It takes no event meanwhile (E1): its lane sees to that in this process, and on PostgreSQL the lock of its row in the others.
 * On SQLite there are no others, and a transaction of that length would hold up everything else.
 */
import type { ActorState } from '../machines/step.ts'
import type { Store } from '../store/store.ts'
import type { Tx } from '../store/tx.ts'
import { announceChange, type Change } from './changes.ts'
import { lockState } from './commit.ts'
import { taskOf } from './read-models.ts'

export interface Removal {
  /** Removes what lies outside, or throws when the actor is to stay. It reads by `tx`, and opens no transaction itself. */
  readonly clear: (state: ActorState, tx: Tx) => Promise<void>
  /** Removes the rows. */
  readonly erase: (tx: Tx) => Promise<unknown>
}

/** To be called in the lane of the actor. @throws TroupeError NOT_FOUND, STORE_..., and what `removal` throws. */
export function removeActor(store: Store, actorId: string, { clear, erase }: Removal): Promise<Change> {
  async function begin(tx: Tx): Promise<Change> {
    const state = await lockState(tx, actorId)
    await clear(state, tx)
    return { machine: state.machine, actorId, taskId: taskOf(state) }
  }

  async function end(tx: Tx, change: Change): Promise<Change> {
    await erase(tx)
    await announceChange(tx, change)
    return change
  }

  if (store.driver !== 'sqlite') return store.transaction(async (tx) => end(tx, await begin(tx)))
  return store.read(begin).then((change) => store.transaction((tx) => end(tx, change)))
}
