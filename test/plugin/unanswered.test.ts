import { expect, test } from 'vitest'
import { Unanswered } from '../../core/plugin/unanswered.ts'

test('calls that wait are bounded together, whatever wires they come on', () => {
  const calls = new Unanswered(10)
  for (const wire of [1, 2]) calls.open(wire)
  calls.add({ wire: 1, id: 1 }, 6)
  expect(() => calls.add({ wire: 2, id: 1 }, 5)).toThrow('calls of 11 bytes')
})

test('an answer, and the end of a wire, make room again', () => {
  const calls = new Unanswered(10)
  for (const wire of [1, 2]) calls.open(wire)
  calls.add({ wire: 1, id: 1 }, 10)
  calls.answer({ wire: 1, id: 1 })
  calls.add({ wire: 1, id: 2 }, 10)
  calls.close(1)
  expect(() => calls.add({ wire: 2, id: 1 }, 10)).not.toThrow()
})

test('two calls with one id are refused, one after the other is not', () => {
  const calls = new Unanswered(10)
  calls.open(1)
  calls.add({ wire: 1, id: 1 }, 1)
  expect(() => calls.add({ wire: 1, id: 1 }, 1)).toThrow('a second call 1')
  calls.answer({ wire: 1, id: 1 })
  expect(() => calls.add({ wire: 1, id: 1 }, 1)).not.toThrow()
})

test('of a wire on which the host never spoke, or that is over, nothing is known and nothing counted', () => {
  const calls = new Unanswered(10)
  calls.open(1)
  calls.close(1)
  for (const wire of [1, 2]) expect(() => calls.add({ wire, id: 1 }, 11)).not.toThrow()
  calls.open(3)
  expect(() => calls.add({ wire: 3, id: 1 }, 10)).not.toThrow()
})
