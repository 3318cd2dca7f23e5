/** What other servers committed is found, whenever they say so. */
import { expect, it } from 'vitest'
import { silentLogger } from '../../core/base/logger.ts'
import { makeChanges } from '../../core/engine/changes.ts'
import { makeClaims } from '../../core/engine/claims.ts'
import type { Store } from '../../core/store/store.ts'
import { sqlite } from '../helpers/databases.ts'
import { deps, openSample } from '../store/sample.ts'

/** The store, with what other servers say in the hands of the test, and something done before each read. */
function hearing(store: Store, beforeRead: (count: number) => Promise<void> | void) {
  let call: (text: string | undefined) => void = () => {}
  let count = 0
  const read: Store['read'] = async (work) => {
    await beforeRead((count += 1))
    return store.read(work)
  }
  const onAnnounce: Store['onAnnounce'] = (_topic, listener) => {
    call = listener
    return { [Symbol.dispose]() {} }
  }
  const transaction: Store['transaction'] = (work) => store.transaction(work)
  return { store: { ...store, read, transaction, onAnnounce }, hear: (text?: string) => call(text) }
}

it('changes that were missed are told, also when the first look for them fails', async () => {
  await using sample = await openSample(sqlite)
  const { store, hear } = hearing(sample.store, (count) => {
    if (count === 1) throw new Error('The database is away.')
  })
  using changes = makeChanges({ store, ...deps })
  const told: string[] = []
  changes.subscribe(({ taskId }) => told.push(taskId))
  const task = await sample.addTask()
  hear()
  await expect.poll(() => told).toContain(task.id)
})

it('effects that are announced while a look is under way are looked for once more', async () => {
  await using sample = await openSample(sqlite)
  const looks: number[] = []
  const [begun, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { store, hear } = hearing(sample.store, (count) => {
    looks.push(count)
    begun.resolve()
    return count === 1 ? gate.promise : undefined
  })
  const claimant = { engineId: 'one' }
  const lease = { ensure: () => Promise.resolve() }
  await using claims = makeClaims({ store, logger: silentLogger, lease, leaseMs: 1000, claimant, found: () => {} })
  const first = claims.look()
  await begun.promise
  hear()
  hear()
  gate.resolve()
  await first
  await claims.look()
  expect(looks).toEqual([1, 2])
})
