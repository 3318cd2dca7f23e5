import { expect, test } from 'vitest'
import { ProgressTracker } from '../../core/plugin/progress.ts'

const open = () => {
  const tracker = new ProgressTracker()
  return { tracker, cursor: tracker.open(0), stdout: () => tracker.now().offsets[0]?.stdout }
}

test('a line is passed when the plugin has emitted for it and asks for the next one', () => {
  const { tracker, cursor, stdout } = open()
  cursor.handOut()
  tracker.emitted()
  expect(stdout()).toBe(0)
  cursor.takeBack('stdout', 10)
  expect(stdout()).toBe(10)
})

test('lines that a plugin gathers are not passed before it emits them', () => {
  const { tracker, cursor, stdout } = open()
  for (const end of [10, 20, 30]) {
    cursor.handOut()
    cursor.takeBack('stdout', end)
  }
  expect(stdout()).toBe(0)
  tracker.emitted()
  expect(stdout()).toBe(30)
})

test('a line that comes after what was emitted for the one before is not passed with it', () => {
  const { tracker, cursor, stdout } = open()
  cursor.handOut()
  tracker.emitted()
  cursor.takeBack('stdout', 10)
  cursor.handOut()
  cursor.takeBack('stdout', 20)
  expect(stdout()).toBe(10)
})

test('a stream that is read from its middle begins there', () => {
  const { cursor, stdout } = open()
  cursor.begin('stdout', 1000)
  expect(stdout()).toBe(1000)
})

test('a checkpoint travels with every batch from then on', () => {
  const { tracker } = open()
  expect(tracker.now()).not.toHaveProperty('checkpoint')
  tracker.checkpoint({ at: 1 })
  expect(tracker.now().checkpoint).toEqual({ at: 1 })
  expect(tracker.now().checkpoint).toEqual({ at: 1 })
})
