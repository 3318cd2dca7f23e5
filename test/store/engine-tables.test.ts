import { expect, it } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { addJournal, deleteActors, getActor, insertActor, updateActor } from '../../core/store/actors.ts'
import {
  cancelDeadline,
  cancelDeadlines,
  dueDeadlines,
  nextDeadlineAt,
  setDeadline,
} from '../../core/store/deadlines.ts'
import {
  addEffects,
  failEffect,
  finishEffect,
  nextEffectTime,
  pendingEffects,
  retryEffect,
} from '../../core/store/effects.ts'
import type { Tx } from '../../core/store/tx.ts'
import { describeEachDatabase, type Databases } from '../helpers/databases.ts'
import { noId, openSample } from './sample.ts'

async function openActor(databases: Databases) {
  const sample = await openSample(databases)
  const id = newId()
  await sample.store.transaction((tx) =>
    insertActor(tx, { id, machine: 'unitTask', machineVersion: 1, snapshot: '{"b":1,"a":2}' }),
  )
  return { ...sample, id, write: <T>(work: (tx: Tx) => Promise<T>) => sample.store.transaction(work) }
}

await describeEachDatabase('actors', (databases) => {
  it('are stepped only from the version that was read', async () => {
    await using actor = await openActor(databases)
    const { id } = actor
    const step = { id, fromVersion: 1, snapshot: '{"next":"\\u0000"}', machineVersion: 2, done: true }
    expect(await actor.write((tx) => updateActor(tx, step))).toBe(true)
    expect(await actor.write((tx) => updateActor(tx, { ...step, snapshot: 'lost' }))).toBe(false)
    const found = await actor.store.read((tx) => getActor(tx, id))
    expect(found).toEqual({
      id,
      machine: 'unitTask',
      machineVersion: 2,
      version: 2,
      snapshot: '{"next":"\\u0000"}',
      done: true,
    })
  })

  it('notice an event that comes again', async () => {
    await using actor = await openActor(databases)
    const entry = { actorId: actor.id, eventId: 'e1', event: { type: 'GO' }, at: 1_800_000_000_123 }
    expect(await actor.write((tx) => addJournal(tx, entry))).toBe(true)
    expect(await actor.write((tx) => addJournal(tx, { ...entry, event: { type: 'OTHER' } }))).toBe(false)
    expect(await actor.write((tx) => addJournal(tx, { ...entry, eventId: 'e2' }))).toBe(true)
  })

  it('take their journal, effects and deadlines with them', async () => {
    await using actor = await openActor(databases)
    const actorId = actor.id
    await actor.write(async (tx) => {
      await addJournal(tx, { actorId, eventId: 'e', event: {}, at: 1 })
      await addEffects(tx, actorId, [{ id: newId(), type: 't', params: {} }])
      await setDeadline(tx, { actorId, key: 'k', at: 1, event: {} })
      expect(await deleteActors(tx, [actorId, 'abc', noId])).toBe(1)
    })
    const left = await actor.store.read(async (tx) => [
      await tx.all('select * from journal_entry'),
      await pendingEffects(tx),
      await dueDeadlines(tx, { now: 9, limit: 9 }),
    ])
    expect(left).toEqual([[], [], []])
  })
})

await describeEachDatabase('effects', (databases) => {
  const params = ['text', 1, null, [1, { a: 'b' }], { deep: { '"': '\\' } }]

  it('are pending in the order in which they were added, until they are finished', async () => {
    await using actor = await openActor(databases)
    const effects = params.map((value, index) => ({ id: newId(), type: `t${index}`, params: value }))
    await actor.write((tx) => addEffects(tx, actor.id, effects))
    const rows = effects.map((effect) => ({ ...effect, actorId: actor.id, attempts: 0, notBefore: 0 }))
    expect(await actor.store.read((tx) => pendingEffects(tx))).toEqual(rows)
    expect(await actor.store.read((tx) => pendingEffects(tx, { limit: 2, except: [effects[0]?.id ?? ''] }))).toEqual(
      rows.slice(1, 3),
    )
    expect(await actor.write((tx) => finishEffect(tx, effects[0]?.id ?? ''))).toBe(true)
    expect(await actor.write((tx) => finishEffect(tx, effects[0]?.id ?? ''))).toBe(false)
    expect(await actor.store.read((tx) => pendingEffects(tx))).toEqual(rows.slice(1))
  })

  it('are put off with their attempts counted, and set aside when they cannot be done', async () => {
    await using actor = await openActor(databases)
    const [later, never] = [newId(), newId()]
    await actor.write((tx) =>
      addEffects(
        tx,
        actor.id,
        [later, never].map((id) => ({ id, type: 't', params: {} })),
      ),
    )
    await actor.write(async (tx) => {
      await retryEffect(tx, later, 5_000_000_000_000)
      await failEffect(tx, never)
    })
    const read = (dueAt: number) => actor.store.read((tx) => pendingEffects(tx, { dueAt }))
    expect(await read(4_999_999_999_999)).toEqual([])
    expect(await read(5_000_000_000_000)).toMatchObject([{ id: later, attempts: 1, notBefore: 5_000_000_000_000 }])
    expect(await actor.store.read((tx) => nextEffectTime(tx, 1))).toBe(5_000_000_000_000)
    expect(await actor.store.read((tx) => nextEffectTime(tx, 5_000_000_000_000))).toBeUndefined()
  })
})

await describeEachDatabase('deadlines', (databases) => {
  it('are due earliest first and replaced by their key', async () => {
    await using actor = await openActor(databases)
    const actorId = actor.id
    const set = (key: string, at: number) =>
      actor.write((tx) => setDeadline(tx, { actorId, key, at, event: { type: key } }))
    expect(await actor.store.read(nextDeadlineAt)).toBeUndefined()
    await set('idle', 5_000_000_000_000)
    await set('total', 30)
    await set('idle', 20)
    expect(await actor.store.read(nextDeadlineAt)).toBe(20)
    const due = (now: number, limit = 10) => actor.store.read((tx) => dueDeadlines(tx, { now, limit }))
    expect(await due(19)).toEqual([])
    expect(await due(30)).toEqual([
      { actorId, key: 'idle', at: 20, event: { type: 'idle' } },
      { actorId, key: 'total', at: 30, event: { type: 'total' } },
    ])
    expect(await due(30, 1)).toHaveLength(1)
  })

  it('are cancelled one by one, but not when set anew meanwhile, or all at once', async () => {
    await using actor = await openActor(databases)
    const actorId = actor.id
    for (const key of ['a', 'b', 'c']) await actor.write((tx) => setDeadline(tx, { actorId, key, at: 7, event: {} }))
    expect(await actor.write((tx) => cancelDeadline(tx, { actorId, key: 'a', at: 6 }))).toBe(false)
    expect(await actor.write((tx) => cancelDeadline(tx, { actorId, key: 'a', at: 7 }))).toBe(true)
    expect(await actor.write((tx) => cancelDeadline(tx, { actorId, key: 'a' }))).toBe(false)
    expect(await actor.write((tx) => cancelDeadlines(tx, actorId))).toBe(2)
  })
})
