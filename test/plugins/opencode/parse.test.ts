/** What recorded output of the real OpenCode becomes, line by line. */
import { readFileSync } from 'node:fs'
import { array, assert, constantFrom, integer, jsonValue, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageBody } from '../../../core/contract/messages.ts'
import { LineSplitter } from '../../../core/plugin/lines.ts'
import { toErrorEnd } from '../../../plugins/opencode/errors.ts'
import { parseLine } from '../../../plugins/opencode/parse.ts'
import { type ParsedEvent, beginState, closeTools } from '../../../plugins/opencode/state.ts'

/** What each recording says, without deltas and `busy`. */
const STORIES = {
  work: 'start opened heard thinking toolUse:bash text ask:permission withdraw failed:bash toolUse:write ask:permission withdraw toolResult:write ask:question withdraw text idle',
  denied: 'start opened heard toolUse:bash ask:permission withdraw failed:bash text idle',
  interrupted: 'start opened heard toolUse:bash ask:permission withdraw idle failed:bash idle',
  retry: 'start opened heard error:AGENT_QUOTA text idle',
  refused: 'start opened heard idle idle',
  'unknown-conversation': 'failed',
} as const

const read = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../../../fixtures/agents/opencode/${name}.ndjson`, import.meta.url)))

/** Replays lines; the state goes from one to the next. */
function parseAll(lines: readonly string[]): ParsedEvent[] {
  let state = beginState('opencode', '/home/user/project')
  const events = lines.flatMap((line) => {
    const parsed = parseLine(state, line)
    state = parsed.state
    return parsed.events
  })
  return [...events, ...closeTools(state).events]
}

const linesOf = (name: string): string[] => new TextDecoder().decode(read(name)).split('\n')

function tell(event: ParsedEvent): string[] {
  if (event.kind === 'delta' || event.kind === 'busy') return []
  if (event.kind === 'ask') return [`ask:${event.request.kind}`]
  return [event.kind === 'message' ? tellMessage(event.message) : event.kind]
}

function tellMessage(message: Extract<ParsedEvent, { kind: 'message' }>['message']): string {
  if (message.type === 'toolUse') return `toolUse:${message.toolName}`
  if (message.type === 'toolResult') return `${message.success ? 'toolResult' : 'failed'}:${message.toolName}`
  return message.type === 'error' ? `error:${message.code}` : message.type
}

describe('a recorded session of OpenCode', () => {
  it.each(Object.entries(STORIES))('tells its story: %s', (name, story) => {
    expect(parseAll(linesOf(name)).flatMap(tell).join(' ')).toBe(story)
  })

  it('says the same however its bytes are cut', () => {
    const bytes = read('work')
    const whole = parseAll(linesOf('work'))
    assert(
      property(array(integer({ min: 1, max: bytes.length - 1 }), { maxLength: 40 }), (cuts) => {
        const splitter = new LineSplitter()
        const edges = [0, ...cuts.toSorted((left, right) => left - right), bytes.length]
        const pieces = edges
          .slice(1)
          .flatMap((edge, index) => [...splitter.push(bytes.subarray(edges[index], edge), edges[index] ?? 0)])
        expect(parseAll([...pieces, ...splitter.finish()].map(({ text }) => text))).toEqual(whole)
      }),
      { numRuns: 30 },
    )
  })
})

describe('an error of the model service', () => {
  const api = (statusCode: number, headers = {}) =>
    toErrorEnd({
      name: 'APIError',
      data: { message: 'No.', statusCode, isRetryable: statusCode >= 500, responseHeaders: headers },
    })

  it('is told by what to do about it', () => {
    expect(api(401)).toMatchObject({ code: 'AGENT_NOT_SIGNED_IN', message: expect.stringContaining('auth login') })
    expect(api(400)).toMatchObject({ code: 'AGENT_API', retryable: false })
    expect(api(503)).toMatchObject({ code: 'AGENT_API', retryable: true })
    expect(toErrorEnd({ name: 'ProviderAuthError', data: {} })).toMatchObject({ code: 'AGENT_NOT_SIGNED_IN' })
    expect(toErrorEnd({ name: 'UnknownError', data: { message: 'Odd.' } })).toMatchObject({ code: 'AGENT_FAILED' })
  })

  it('that is a used-up quota says when it is full again, if the service did', () => {
    const headers = { 'retry-after': '60', date: 'Thu, 01 Jan 2026 00:00:00 GMT' }
    expect(api(429, headers)).toMatchObject({ code: 'AGENT_QUOTA', resetsAt: '2026-01-01T00:01:00.000Z' })
    expect(api(429)).not.toHaveProperty('resetsAt')
  })
})

describe('a line that OpenCode has never printed', () => {
  it.each([
    'not JSON at all',
    '[1,2]',
    '{"event":{"type":"quantum.leap","properties":{"to":1956}}}',
    '{"event":{"type":"__proto__"}}',
    '{"event":{}}',
    '{"event":{"type":"message.updated","properties":{"info":7}}}',
    '{"event":{"type":"message.part.updated","properties":{"part":{"type":"hologram","id":"1"}}}}',
    '{"event":{"type":"session.status","properties":{"status":{"type":"dreaming"}}}}',
    '{"event":{"type":"permission.asked","properties":{}}}',
    '{"no":"event"}',
  ])('is kept as it is: %s', (line) => {
    const raw = { kind: 'message', message: { type: 'raw', stream: 'stdout', content: line } }
    expect(parseLine(beginState('opencode', '/'), line).events).toEqual([raw])
  })

  it('never makes the parser fail or say something that the contract does not allow', () => {
    const lines = Object.keys(STORIES)
      .flatMap((name) => linesOf(name))
      .filter((line) => line !== '')
    assert(
      property(constantFrom(...lines), nat(), jsonValue(), (line, place, value) => {
        const damaged = damage(JSON.parse(line), place, value)
        for (const event of parseAll([JSON.stringify(damaged)])) {
          if (event.kind === 'message') messageBody.parse(event.message)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

/** Puts `value` in the place of one of the values inside `json`. */
function damage(json: unknown, place: number, value: unknown): unknown {
  let left = place % 60
  const walk = (node: unknown): unknown => {
    if (left-- === 0) return value
    if (Array.isArray(node)) return node.map(walk)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, walk(child)]))
  }
  return walk(json)
}
