import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chooseWorker } from '../../core/schedule/choose.ts'

describe('choosing a worker', () => {
  test('takes the one with the most room, the first of equals', () => {
    const workers = [
      { id: 'a', capacity: 4, sessions: 3 },
      { id: 'b', capacity: 8, sessions: 5 },
      { id: 'c', capacity: 4, sessions: 1 },
    ]
    expect(chooseWorker(workers)?.id).toBe('b')
  })

  test('takes none when all are full', () => {
    expect(chooseWorker([{ id: 'a', capacity: 1, sessions: 1 }])).toBeUndefined()
    expect(chooseWorker([])).toBeUndefined()
  })

  test('never overfills a worker, and always takes one while there is room', () => {
    const worker = fc.record({ id: fc.uuid(), capacity: fc.nat(8), sessions: fc.nat(10) })
    fc.assert(
      fc.property(fc.array(worker), (workers) => {
        const chosen = chooseWorker(workers)
        const hasRoom = workers.some(({ capacity, sessions }) => capacity > sessions)
        expect(chosen !== undefined).toBe(hasRoom)
        if (chosen) expect(chosen.capacity).toBeGreaterThan(chosen.sessions)
      }),
    )
  })
})
