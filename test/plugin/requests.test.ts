import { expect, test } from 'vitest'
import { checked, runEnd, sessionParams } from '../../core/plugin/requests.ts'

const long = 'x'.repeat(1_000_000)
const CUT = /^x{10000}\.\.\. \(990000 more characters\)$/

test('what a plugin says of its end is cut to what people read', () => {
  const complete = { kind: 'complete', success: false, summary: long }
  expect(checked(runEnd, complete, 'It')).toMatchObject({ summary: expect.stringMatching(CUT) })
  const error = { kind: 'error', code: 'AGENT_API', message: long }
  expect(checked(runEnd, error, 'It')).toMatchObject({ message: expect.stringMatching(CUT) })
  const failed = { code: 'AGENT_API', message: long }
  expect(checked(sessionParams.failed, failed, 'It')).toMatchObject({ message: expect.stringMatching(CUT) })
})

test('what it says for the debug log is cut', () => {
  expect(checked(sessionParams.debug, long, 'It').length).toBeLessThan(10_000)
})

test('messages that it gives back are whole, and refused when they cannot be those that people sent', () => {
  const given = { kind: 'stopped', unheard: [long, 'and docs'] }
  expect(checked(runEnd, given, 'It')).toEqual(given)
  for (const unheard of [Array.from({ length: 20 }, () => long), Array.from({ length: 1_001 }, () => 'x')]) {
    expect(() => checked(runEnd, { kind: 'stopped', unheard }, 'What it returned')).toThrow(
      expect.objectContaining({ code: 'PLUGIN_MESSAGE', message: expect.stringContaining('unheard') }),
    )
  }
})
