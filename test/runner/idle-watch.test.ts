import { describe, expect, test } from 'vitest'
import { IdleWatches } from '../../core/runner/idle-watch.ts'
import { makeTestClock } from '../engine/workbench.ts'

function openBench() {
  const clock = makeTestClock()
  let timers = 0
  const watches = new IdleWatches({ ...clock, after: (ms, call) => (timers++, clock.after(ms, call)) })
  const idle: string[] = []
  const watch = (name: string, idleMs: number) => watches.watch({ idleMs, onIdle: () => idle.push(name) })
  return { clock, watches, idle, watch, timers: () => timers }
}

describe('idle watches', () => {
  test('notice each agent that is silent for its time, and not one that was heard', () => {
    const { clock, idle, watch } = openBench()
    watch('slow', 300)
    watch('silent', 100)
    const heard = watch('heard', 100)
    clock.advance(60)
    heard.heard()
    clock.advance(50)
    expect(idle).toEqual(['silent'])
    clock.advance(60)
    expect(idle).toEqual(['silent', 'heard'])
    clock.advance(200)
    expect(idle).toEqual(['silent', 'heard', 'slow'])
  })

  test('excuse those who wait for a person, and forget those who have ended', () => {
    const { clock, idle, watch } = openBench()
    const asks = watch('asks', 100)
    const questions = [asks.excuse(), asks.excuse()]
    watch('ended', 100)[Symbol.dispose]()
    for (const question of questions) {
      clock.advance(250)
      question[Symbol.dispose]()
    }
    clock.advance(90)
    expect(idle).toEqual([])
    clock.advance(10)
    expect(idle).toEqual(['asks'])
  })

  test('do not take a clock that is set for silence', () => {
    const { clock, idle, watch } = openBench()
    watch('works', 100)
    clock.advance(60)
    clock.jump(24 * 3_600_000)
    clock.advance(30)
    expect(idle).toEqual([])
    clock.jump(-48 * 3_600_000)
    clock.advance(10)
    expect(idle).toEqual(['works'])
  })

  test('share one timer, and need none for those who may be silent for ever', () => {
    const { watch, timers } = openBench()
    watch('for ever', 0)
    expect(timers()).toBe(0)
    for (let n = 0; n < 100; n++) watch(String(n), 100)
    expect(timers()).toBe(1)
  })
})
