import { describe, expect, test } from 'vitest'
import { FollowUps } from '../../core/runner/follow-ups.ts'

const [a, b] = [
  { id: '1', content: 'a' },
  { id: '2', content: 'b' },
]

function openBench(unread: readonly (typeof a)[] = []) {
  const read: string[] = []
  return { read, followUps: new FollowUps({ unread, onRead: (id) => read.push(id) }) }
}

describe('follow-ups', () => {
  test('come in order, also when they were said before anybody read', async () => {
    const { followUps } = openBench()
    followUps.push(a)
    const reader = followUps[Symbol.asyncIterator]()
    expect(await reader.next()).toEqual({ done: false, value: a })
    const waiting = reader.next()
    followUps.push(b)
    expect(await waiting).toEqual({ done: false, value: b })
    const last = reader.next()
    expect(followUps.close()).toEqual([])
    expect((await last).done).toBe(true)
  })

  test('are acknowledged by the demand for the next one', async () => {
    const { followUps, read } = openBench()
    followUps.push(a)
    const reader = followUps[Symbol.asyncIterator]()
    await reader.next()
    expect(read).toEqual([])
    void reader.next()
    expect(read).toEqual(['1'])
  })

  test('are given back when nobody read them', () => {
    const { followUps } = openBench()
    followUps.push(a)
    followUps.push(b)
    expect(followUps.close()).toEqual([a, b])
    expect(followUps.push(a)).toBe(false)
  })

  test('are given back when their reader took them and never came again', async () => {
    const { followUps } = openBench()
    const taken = followUps[Symbol.asyncIterator]().next()
    followUps.push(a)
    expect((await taken).value).toEqual(a)
    expect(followUps.close()).toEqual([a])
  })

  test('come again to the next reader, with what an earlier host left, when the one before did not acknowledge them', async () => {
    const { followUps, read } = openBench([a])
    followUps.push(b)
    const first = followUps[Symbol.asyncIterator]()
    expect((await first.next()).value).toEqual(a)
    const second = followUps[Symbol.asyncIterator]()
    expect((await first.next()).done).toBe(true)
    expect(read).toEqual([])
    expect((await second.next()).value).toEqual(a)
    expect((await second.next()).value).toEqual(b)
    expect(read).toEqual(['1'])
  })
})
