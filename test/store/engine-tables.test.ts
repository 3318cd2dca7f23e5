import { expect, it } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { addJournal, deleteJournal, getActor, insertActor, isInJournal, updateActor } from '../../core/store/actors.ts'
import {
  cancelDeadline,
  cancelDeadlines,
  dueDeadlines,
  haveStrayed,
  nextDeadlineAt,
  renewDeadlines,
  setDeadline,
} from '../../core/store/deadlines.ts'
import { actorsWithEffects, addEffects, finishEffects, nextEffects } from '../../core/store/effects.ts'
import { claimActors, deleteDeadEngines, markEngine } from '../../core/store/engines.ts'
import type { Tx } from '../../core/store/tx.ts'
import { describeEachDatabase, describePostgres, type Databases } from '../helpers/databases.ts'
import { makeTestClock } from '../engine/workbench.ts'
import { openSample } from './sample.ts'

const here = newId()

async function openActor(databases: Databases, clock = makeTestClock()) {
  const sample = await openSample(databases, clock)
  const id = newId()
  await sample.store.transaction((tx) =>
    insertActor(tx, { id, machine: 'unitTask', machineVersion: 1, snapshot: '{"b":1,"a":2}', engineId: here }),
  )
  return { ...sample, clock, id, write: <T>(work: (tx: Tx) => Promise<T>) => sample.store.transaction(work) }
}

const effectOf = (type: string) => ({ id: newId(), type, params: {} })

await describeEachDatabase('actors', (databases) => {
  it('count their steps', async () => {
    await using actor = await openActor(databases)
    const { id } = actor
    const step = { id, snapshot: '{"next":"\\u0000"}', machineVersion: 2, done: true, engineId: here }
    await actor.write((tx) => updateActor(tx, step))
    expect(await actor.store.read((tx) => getActor(tx, id))).toEqual({
      id,
      machine: 'unitTask',
      machineVersion: 2,
      version: 2,
      snapshot: '{"next":"\\u0000"}',
      done: true,
      engineId: here,
      workerId: null,
    })
  })

  it('leave their effects to one engine until there are none', async () => {
    await using actor = await openActor(databases)
    const { id } = actor
    const there = newId()
    const step = { id, snapshot: '{}', machineVersion: 1, done: false, engineId: there }
    const effect = effectOf('t')
    await actor.write((tx) => addEffects(tx, id, [effect]))
    expect(await actor.write((tx) => updateActor(tx, step))).toBe(here)
    await actor.write((tx) => finishEffects(tx, [effect.id]))
    expect(await actor.write((tx) => updateActor(tx, step))).toBe(there)
  })

  it('notice an event that comes again, until they need no journal any more', async () => {
    await using actor = await openActor(databases)
    const entry = { actorId: actor.id, eventId: 'e1', event: { type: 'GO' } }
    expect(await actor.write((tx) => addJournal(tx, entry))).toBe(true)
    expect(await actor.write((tx) => addJournal(tx, { ...entry, event: { type: 'OTHER' } }))).toBe(false)
    expect(await actor.write((tx) => addJournal(tx, { ...entry, eventId: 'e2' }))).toBe(true)
    expect(await actor.store.read((tx) => isInJournal(tx, actor.id, 'e2'))).toBe(true)
    expect(await actor.write((tx) => deleteJournal(tx, actor.id))).toBe(2)
    expect(await actor.store.read((tx) => isInJournal(tx, actor.id, 'e2'))).toBe(false)
  })
})

await describeEachDatabase('effects', (databases) => {
  const params = ['text', 1, null, [1, { a: 'b' }], { deep: { '"': '\\' } }]

  it('are pending in the order in which they were added, until they are finished', async () => {
    await using actor = await openActor(databases)
    const effects = params.map((value, index) => ({ id: newId(), type: `t${index}`, params: value }))
    await actor.write((tx) => addEffects(tx, actor.id, effects))
    const rows = effects.map((effect) => ({ ...effect, actorId: actor.id }))
    const pending = (limit: number) =>
      actor.store.read((tx) => nextEffects(tx, { actorId: actor.id, engineId: here, limit }))
    expect(await pending(10)).toEqual(rows)
    expect(await pending(2)).toEqual(rows.slice(0, 2))
    const [first = ''] = effects.map(({ id }) => id)
    expect(await actor.write((tx) => finishEffects(tx, [first, newId()]))).toBe(1)
    expect(await actor.write((tx) => finishEffects(tx, [first]))).toBe(0)
    expect(await pending(10)).toEqual(rows.slice(1))
  })

  it('are given to the engine that runs those of their actor, and to no other', async () => {
    await using actor = await openActor(databases)
    const effect = effectOf('t')
    await actor.write((tx) => addEffects(tx, actor.id, [effect]))
    const next = (engineId: string) =>
      actor.store.read((tx) => nextEffects(tx, { actorId: actor.id, engineId, limit: 5 }))
    expect(await next(here)).toEqual([{ ...effect, actorId: actor.id }])
    expect(await next(newId())).toEqual([])
    expect(await actor.store.read((tx) => actorsWithEffects(tx, here))).toEqual([actor.id])
    expect(await actor.store.read((tx) => actorsWithEffects(tx, newId()))).toEqual([])
  })
})

await describeEachDatabase('engines', (databases) => {
  it('take over what an engine left that is not there any more', async () => {
    await using actor = await openActor(databases)
    const [alive, next] = [newId(), newId()]
    await actor.write(async (tx) => {
      await addEffects(tx, actor.id, [effectOf('t')])
      await markEngine(tx, here)
      await markEngine(tx, alive)
    })
    expect(await actor.write((tx) => claimActors(tx, { engineId: alive }))).toBe(0)
    await actor.write((tx) => deleteDeadEngines(tx, { engineId: next, leaseMs: -60_000 }))
    expect(await actor.write((tx) => claimActors(tx, { engineId: next }))).toBe(1)
  })

  it('take only what a worker has to do that they serve', async () => {
    await using actor = await openActor(databases)
    const [id, workerId] = [newId(), newId()]
    await actor.write(async (tx) => {
      await insertActor(tx, { id, machine: 'agentSession', machineVersion: 1, snapshot: '{}', workerId })
      await addEffects(tx, id, [effectOf('t')])
    })
    expect(await actor.write((tx) => claimActors(tx, { engineId: here, workerIds: [] }))).toBe(0)
    expect(await actor.write((tx) => claimActors(tx, { engineId: here, workerIds: [newId()] }))).toBe(0)
    expect(await actor.write((tx) => claimActors(tx, { engineId: here, workerIds: [workerId] }))).toBe(1)
  })
})

await describePostgres('engines that share a database', (databases) => {
  it('are dead only after their lease', async () => {
    await using actor = await openActor(databases)
    await actor.write((tx) => markEngine(tx, here))
    const dead = (leaseMs: number) => actor.write((tx) => deleteDeadEngines(tx, { engineId: newId(), leaseMs }))
    expect(await dead(60_000)).toBe(0)
    expect(await dead(0)).toBe(1)
  })
})

await describeEachDatabase('deadlines', (databases) => {
  it('are due earliest first and replaced by their key', async () => {
    await using actor = await openActor(databases, makeTestClock(0))
    const actorId = actor.id
    const set = (key: string, delayMs: number) =>
      actor.write((tx) => setDeadline(tx, { actorId, key, delayMs, event: { type: key } }))
    expect(await actor.store.read(nextDeadlineAt)).toBeUndefined()
    await set('idle', 5_000_000_000_000)
    await set('total', 30)
    expect(await set('idle', 20)).toBe(20)
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
    await using actor = await openActor(databases, makeTestClock(0))
    const actorId = actor.id
    for (const key of ['a', 'b', 'c']) {
      await actor.write((tx) => setDeadline(tx, { actorId, key, delayMs: 7, event: {} }))
    }
    expect(await actor.write((tx) => cancelDeadline(tx, { actorId, key: 'a', at: 6 }))).toBe(false)
    expect(await actor.write((tx) => cancelDeadline(tx, { actorId, key: 'a', at: 7 }))).toBe(true)
    expect(await actor.write((tx) => cancelDeadline(tx, { actorId, key: 'a' }))).toBe(false)
    expect(await actor.write((tx) => cancelDeadlines(tx, actorId))).toBe(2)
  })

  it('are set anew when the clock was set back', async () => {
    await using actor = await openActor(databases, makeTestClock(1_000_000))
    await actor.write((tx) => setDeadline(tx, { actorId: actor.id, key: 'a', delayMs: 500, event: {} }))
    const strayed = (now: number) => actor.store.read((tx) => haveStrayed(tx, { now, slackMs: 100 }))
    expect(await strayed(999_900)).toBe(false)
    expect(await strayed(10)).toBe(true)
    await actor.write((tx) => renewDeadlines(tx, { now: 10, slackMs: 100 }))
    expect(await actor.store.read(nextDeadlineAt)).toBe(510)
  })
})
