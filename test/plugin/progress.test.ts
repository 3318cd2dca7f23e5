import { expect, test } from 'vitest'
import { ProgressTracker } from '../../core/plugin/progress.ts'

test('a process that was not continued begins at the beginning of its output', () => {
  const tracker = new ProgressTracker()
  tracker.open(0).stdout = 10
  expect(tracker.now()).toEqual({ offsets: [{ stdout: 10, stderr: 0 }] })
})

test('a stream in which nothing new came keeps its committed offset', () => {
  const tracker = new ProgressTracker({ offsets: [{ stdout: 1000, stderr: 20 }], checkpoint: 'before' })
  tracker.open(0).stdout = 1010
  expect(tracker.now()).toEqual({ offsets: [{ stdout: 1010, stderr: 20 }], checkpoint: 'before' })
})

test('a process that a continued session has not asked for yet keeps its place', () => {
  const tracker = new ProgressTracker({
    offsets: [
      { stdout: 5, stderr: 0 },
      { stdout: 7, stderr: 0 },
    ],
  })
  tracker.open(0).stdout = 6
  expect(tracker.now().offsets).toEqual([
    { stdout: 6, stderr: 0 },
    { stdout: 7, stderr: 0 },
  ])
})

test('a checkpoint travels with every batch from then on', () => {
  const tracker = new ProgressTracker()
  expect(tracker.now()).not.toHaveProperty('checkpoint')
  tracker.checkpoint({ at: 1 })
  expect(tracker.now().checkpoint).toEqual({ at: 1 })
  expect(tracker.now().checkpoint).toEqual({ at: 1 })
})

test('a checkpoint that is the same as the one before is no news', () => {
  const tracker = new ProgressTracker({ offsets: [], checkpoint: { at: 1 } })
  expect(tracker.checkpoint({ at: 1 })).toBe(false)
  expect(tracker.checkpoint({ at: 2 })).toBe(true)
  expect(tracker.checkpoint({ at: 2 })).toBe(false)
})
