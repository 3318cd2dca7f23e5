import { describe, expect, test } from 'vitest'
import { FollowUps } from '../../core/runner/follow-ups.ts'

describe('follow-ups', () => {
  test('come in order, also when they were said before anybody read', async () => {
    const followUps = new FollowUps()
    followUps.push('a')
    const reader = followUps[Symbol.asyncIterator]()
    expect(await reader.next()).toEqual({ done: false, value: { content: 'a' } })
    const waiting = reader.next()
    followUps.push('b')
    expect(await waiting).toEqual({ done: false, value: { content: 'b' } })
    const last = reader.next()
    expect(followUps.close()).toEqual([])
    expect((await last).done).toBe(true)
  })

  test('are given back when nobody read them', () => {
    const followUps = new FollowUps()
    followUps.push('a')
    followUps.push('b')
    expect(followUps.close()).toEqual(['a', 'b'])
    expect(followUps.push('c')).toBe(false)
  })

  test('are given back when their reader took them and never came again', async () => {
    const followUps = new FollowUps()
    const reader = followUps[Symbol.asyncIterator]()
    const taken = reader.next()
    followUps.push('a')
    expect((await taken).value).toEqual({ content: 'a' })
    expect(followUps.close()).toEqual(['a'])
  })
})
