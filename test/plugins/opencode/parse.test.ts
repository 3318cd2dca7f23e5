/** What recorded output of the real OpenCode becomes, line by line. */
import { describe, expect, it } from 'vitest'
import { toErrorEnd, toRetry } from '../../../plugins/opencode/errors.ts'
import { parseLine } from '../../../plugins/opencode/parse.ts'
import { type ParsedEvent, beginState, closeState } from '../../../plugins/opencode/state.ts'
import { itSaysTheSameHoweverCut, itWithstandsDamage, linesOf, tellMessage } from '../../helpers/recordings.ts'

/** What each recording says, without deltas and `busy`. */
const STORIES = {
  work: 'start opened heard thinking toolUse:bash text ask:permission withdraw failed:bash toolUse:write ask:permission withdraw toolResult:write ask:question withdraw text idle',
  denied: 'start opened heard toolUse:bash ask:permission withdraw failed:bash text idle',
  interrupted: 'start opened heard toolUse:bash ask:permission withdraw idle failed:bash idle',
  retry: 'start opened heard error:AGENT_QUOTA text idle',
  refused: 'start opened heard idle idle',
  'unknown-conversation': 'failed',
} as const

/** Replays lines; the state goes from one to the next. */
function parseAll(lines: readonly string[]): ParsedEvent[] {
  let state = beginState('opencode', '/home/user/project')
  const events = lines.flatMap((line) => {
    const parsed = parseLine(state, line)
    state = parsed.state
    return parsed.events
  })
  return [...events, ...closeState(state).events]
}

function tell(event: ParsedEvent): string[] {
  if (event.kind === 'delta' || event.kind === 'busy') return []
  if (event.kind === 'ask') return [`ask:${event.request.kind}`]
  return [event.kind === 'message' ? tellMessage(event.message) : event.kind]
}

describe('a recorded session of OpenCode', () => {
  it.each(Object.entries(STORIES))('tells its story: %s', (name, story) => {
    expect(parseAll(linesOf('opencode', name)).flatMap(tell).join(' ')).toBe(story)
  })

  itSaysTheSameHoweverCut(parseAll, 'opencode', 'work')
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
    expect(api(402)).toMatchObject({ code: 'AGENT_QUOTA', retryable: true })
    const retry = { type: 'retry', attempt: 1, message: 'Free usage exceeded', next: 0 }
    expect(toRetry(retry)).toMatchObject({ code: 'AGENT_API' })
    expect(toRetry({ ...retry, action: { reason: 'free_tier_limit' } })).toMatchObject({
      code: 'AGENT_QUOTA',
      resetsAt: '1970-01-01T00:00:00.000Z',
    })
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

  itWithstandsDamage(parseAll, 'opencode', Object.keys(STORIES))
})
