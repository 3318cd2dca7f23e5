import { describe, expect, test } from 'vitest'
import { messageBody } from '../../core/contract/messages.ts'
import type { AgentMessage } from '../../core/plugin/contract/index.ts'
import { toMessageJson } from '../../core/plugin/message-check.ts'
import { toMessageShapes } from '../../core/plugin/message-shapes.ts'

const shapes = toMessageShapes()

const GOOD: readonly AgentMessage[] = [
  { type: 'start', agent: 'a', agentVersion: '1', model: 'm', agentSessionId: 's', workDir: '/' },
  { type: 'start', agent: 'a', workDir: '/' },
  { type: 'text', content: 'é\n' },
  { type: 'thinking', content: '' },
  { type: 'toolUse', toolUseId: 't', toolName: 'Bash', input: { command: ['ls', null, 1, true] }, kind: 'command' },
  { type: 'toolResult', toolUseId: 't', toolName: 'Bash', output: null, success: false },
  { type: 'usage', inputTokens: 1, outputTokens: 2, cacheReadTokens: 3, costUsd: 0.5 },
  { type: 'error', message: 'm', code: 'AGENT_API', retryable: true, resetsAt: '2030-01-01T00:00:00Z' },
  { type: 'raw', stream: 'stderr', content: 'x' },
]

test('a message that the contract allows is kept whole, its type first', () => {
  for (const message of GOOD) {
    const json = toMessageJson(shapes, { ...message, more: 'than it may have' })
    expect(json.startsWith(`{"type":"${message.type}"`)).toBe(true)
    expect(JSON.parse(json)).toEqual(message)
    expect(messageBody.parse(JSON.parse(json))).toEqual(message)
  }
})

test('there is a shape for each message that a plugin may emit', () => {
  expect(Object.keys(shapes).toSorted()).toEqual([...new Set(GOOD.map(({ type }) => type))].toSorted())
})

describe('a message is refused, and the field is named, when', () => {
  test.for([
    ['it is nothing', null, 'no object'],
    ['its type is missing', { content: 'x' }, 'type'],
    ['its type is inherited', { type: 'toString' }, 'type'],
    ['the host writes it', { type: 'complete', success: true, durationMs: 1 }, '"complete" is none'],
    ['a field is missing', { type: 'text' }, 'content: is not a string'],
    ['a field is of another type', { type: 'usage', inputTokens: '1', outputTokens: 2 }, 'inputTokens'],
    ['a number is none', { type: 'usage', inputTokens: Number.NaN, outputTokens: 2 }, 'inputTokens'],
    ['a name is unknown', { type: 'toolUse', toolUseId: 't', toolName: 'n', input: 1, kind: 'nonsense' }, 'kind'],
    ['JSON is missing', { type: 'toolResult', toolUseId: 't', toolName: 'n', success: true }, 'output'],
    ['an optional field is null', { type: 'error', message: 'm', code: null }, 'code'],
  ] as const)('%s', ([, message, reason]) => {
    expect(() => toMessageJson(shapes, message)).toThrow(reason)
  })
})

test('what JSON cannot say is refused', () => {
  const circle: Record<string, unknown> = {}
  circle['circle'] = circle
  const message = { type: 'toolUse', toolUseId: 't', toolName: 'n', kind: 'other' }
  expect(() => toMessageJson(shapes, { ...message, input: circle })).toThrow(TypeError)
  expect(() => toMessageJson(shapes, { ...message, input: 1n })).toThrow(TypeError)
})

test('what is nested so deeply that the host could not look through it is refused', () => {
  const nested = (levels: number): unknown => JSON.parse('['.repeat(levels) + ']'.repeat(levels))
  const message = { type: 'toolUse', toolUseId: 't', toolName: 'n', kind: 'other' }
  const json = toMessageJson(shapes, { ...message, input: nested(500) })
  expect(messageBody.safeParse(JSON.parse(json)).success).toBe(true)
  for (const levels of [501, 30_000])
    expect(() => toMessageJson(shapes, { ...message, input: nested(levels) })).toThrow('input: is nested too deeply')
})
