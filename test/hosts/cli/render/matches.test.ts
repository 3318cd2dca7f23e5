import { expect, test } from 'vitest'
import type { Message } from '../../../../core/contract/messages.ts'
import { matchLines } from '../../../../hosts/cli/render/matches.ts'
import { makeStyle } from '../../../../hosts/cli/render/style.ts'

const style = makeStyle({}, {})
const head = { sessionId: 's', seq: 7, at: '2026-11-22T10:00:00.000Z' }

test('a match is shown as the lines that hold it, with the number of its message', () => {
  const message: Message = { ...head, type: 'text', content: 'first\n  Found it here\nlast' }
  expect(matchLines(message, 'found', style)).toEqual(['#7 text Found it here'])
})

test('a match in a tool is found at any depth, and what would harm a terminal is left out', () => {
  const input = { list: [{ command: 'echo \u001b[31mneedle\u001b[0m' }] }
  const message: Message = { ...head, type: 'toolUse', toolUseId: '1', toolName: 'Bash', input, kind: 'command' }
  expect(matchLines(message, 'NEEDLE', style)).toEqual(['#7 toolUse echo needle'])
})

test('a match that spans lines is shown as one', () => {
  expect(matchLines({ ...head, type: 'text', content: 'one\ntwo' }, 'one\ntwo', style)).toEqual(['#7 text …'])
})
