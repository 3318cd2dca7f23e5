import { describe, expect, test } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { makeScheduler } from '../../core/schedule/scheduler.ts'
import { sqlite } from '../helpers/databases.ts'
import { openSample } from '../store/sample.ts'

const queued = { status: 'queued', waitingFor: 'worker' } as const

describe('the scheduler', () => {
  test('gives tasks to workers in the order in which they were queued', async () => {
    await using sample = await openSample(sqlite)
    const second = await sample.addTask({ ...queued, queuedAt: '2030-01-02T00:00:00.000Z' })
    const first = await sample.addTask({ ...queued, queuedAt: '2030-01-01T00:00:00.000Z' })
    const assigned: string[] = []
    await using scheduler = makeScheduler({
      store: sample.store,
      clock: systemClock,
      logger: silentLogger,
      workers: () => [{ id: sample.workerId, capacity: 9 }],
      assign: async (taskId) => assigned.push(taskId) > 0,
    })
    scheduler.poke()
    await expect.poll(() => assigned).toEqual([first.id, second.id])
  })

  test('tries again by itself after a failure, and one task that fails holds up no other', async () => {
    await using sample = await openSample(sqlite)
    const bad = await sample.addTask({ ...queued, queuedAt: '2030-01-01T00:00:00.000Z' })
    const good = await sample.addTask({ ...queued, queuedAt: '2030-01-02T00:00:00.000Z' })
    const assigned: string[] = []
    let broken = true
    await using scheduler = makeScheduler({
      store: sample.store,
      clock: systemClock,
      logger: silentLogger,
      workers: () => [{ id: sample.workerId, capacity: 9 }],
      assign: async (taskId) => {
        if (taskId === bad.id && broken) throw new Error('not now')
        return assigned.push(taskId) > 0
      },
    })
    scheduler.poke()
    await expect.poll(() => assigned).toEqual([good.id])
    broken = false
    await expect.poll(() => assigned.includes(bad.id)).toBe(true)
  })

  test('looks again after a configuration that could not be read', async () => {
    await using sample = await openSample(sqlite)
    const task = await sample.addTask({ ...queued, queuedAt: '2030-01-01T00:00:00.000Z' })
    const assigned: string[] = []
    let looks = 0
    await using scheduler = makeScheduler({
      store: sample.store,
      clock: systemClock,
      logger: silentLogger,
      workers: () => {
        looks += 1
        if (looks === 1) throw new Error('config.toml is broken')
        return [{ id: sample.workerId, capacity: 1 }]
      },
      assign: async (taskId) => assigned.push(taskId) > 0,
    })
    scheduler.poke()
    await expect.poll(() => assigned).toEqual([task.id])
  })

  test('gives a worker no more than it has room for, with the sessions that it has', async () => {
    await using sample = await openSample(sqlite)
    await sample.addSession(await sample.addTask(), { status: 'running' })
    await sample.addSession(await sample.addTask(), { status: 'completed' })
    const tasks = [await sample.addTask(queued), await sample.addTask(queued), await sample.addTask(queued)]
    const assigned: string[] = []
    await using scheduler = makeScheduler({
      store: sample.store,
      clock: systemClock,
      logger: silentLogger,
      workers: () => [{ id: sample.workerId, capacity: 3 }],
      async assign(taskId) {
        assigned.push(taskId)
        const task = tasks.find(({ id }) => id === taskId)
        if (task) await sample.addSession(task, { status: 'assigned' })
        return true
      },
    })
    scheduler.poke()
    await expect.poll(() => assigned).toHaveLength(2)
    await scheduler[Symbol.asyncDispose]()
    expect(assigned).toHaveLength(2)
  })

  test('asks for room again in the transaction that takes it', async () => {
    await using sample = await openSample(sqlite)
    const task = await sample.addTask(queued)
    const found: boolean[] = []
    await using scheduler = makeScheduler({
      ...sample,
      clock: systemClock,
      logger: silentLogger,
      workers: () => [{ id: sample.workerId, capacity: 1 }],
      async assign(_taskId, _workerId, hasRoom) {
        found.push(await sample.store.transaction(hasRoom))
        await sample.addSession(task, { status: 'assigned' })
        found.push(await sample.store.transaction(hasRoom))
        return true
      },
    })
    scheduler.poke()
    await expect.poll(() => found).toEqual([true, false])
  })

  test('places a task at once that waits alone where there is room', async () => {
    await using sample = await openSample(sqlite)
    let capacity = 1
    await using scheduler = makeScheduler({
      ...sample,
      clock: systemClock,
      logger: silentLogger,
      workers: () => [{ id: sample.workerId, capacity }],
      assign: async () => false,
    })
    const place = ({ id }: { id: string }) => sample.store.transaction((tx) => scheduler.placeNow(tx, id))
    const first = await sample.addTask({ ...queued, queuedAt: '2030-01-01T00:00:00.000Z' })
    const second = await sample.addTask({ ...queued, queuedAt: '2030-01-02T00:00:00.000Z' })
    expect(await place(first)).toBe(sample.workerId)
    expect(await place(second)).toBeUndefined()
    await sample.addSession(await sample.addTask(), { status: 'running' })
    expect(await place(first)).toBeUndefined()
    capacity = 2
    expect(await place(first)).toBe(sample.workerId)
    await scheduler[Symbol.asyncDispose]()
    expect(await place(first)).toBeUndefined()
  })
})
