import { expect, test } from 'vitest'
import { Gate } from '../../core/plugin/gate.ts'

const never = new AbortController().signal

test('a gate lets a few through at a time, in their order, and a place is given on once', async () => {
  const gate = new Gate(2)
  const inside: number[] = []
  const places: Disposable[] = []
  const all = [1, 2, 3, 4].map(async (number) => {
    places[number] = await gate.enter(never)
    inside.push(number)
  })
  await Promise.all(all.slice(0, 2))
  expect(inside).toEqual([1, 2])
  places[1]?.[Symbol.dispose]()
  places[1]?.[Symbol.dispose]()
  await all[2]
  expect(inside).toEqual([1, 2, 3])
  places[2]?.[Symbol.dispose]()
  await all[3]
  expect(inside).toEqual([1, 2, 3, 4])
})

test('one that waits goes on at once when it is told to stop, and takes nobody the place', async () => {
  const gate = new Gate(1)
  const first = await gate.enter(never)
  const stop = new AbortController()
  const second = gate.enter(stop.signal)
  const third = gate.enter(never)
  stop.abort()
  const nothing = await second
  nothing[Symbol.dispose]()
  first[Symbol.dispose]()
  const last = await third
  last[Symbol.dispose]()
  await gate.enter(never)
})
