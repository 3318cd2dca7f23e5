/** What recorded output of the real Claude Code becomes, line by line. */
import { describe, expect, it } from 'vitest'
import { parseLine } from '../../../plugins/claude-code/parse.ts'
import type { ParsedEvent } from '../../../plugins/claude-code/state.ts'
import { beginState } from '../../../plugins/claude-code/state.ts'
import { itSaysTheSameHoweverCut, itWithstandsDamage, linesOf, tellMessage } from '../../helpers/recordings.ts'

/** What each recording says, without deltas and repetitions. */
const STORIES = {
  work: 'sent taken turn start thinking text toolUse:Bash ask:Bash toolResult:Bash text usage end:complete settled',
  denied: 'sent taken turn start toolUse:Bash ask:Bash failed:Bash text usage end:complete settled',
  question:
    'sent taken turn start toolUse:AskUserQuestion ask:AskUserQuestion toolResult:AskUserQuestion text usage end:complete settled',
  plan: 'sent taken turn start toolUse:ExitPlanMode ask:ExitPlanMode toolResult:ExitPlanMode text usage end:complete settled',
  subagent:
    'sent taken turn start toolUse:Task raw raw toolUse:Bash toolResult:Bash raw raw toolResult:Task text usage end:complete settled',
  'follow-up': 'sent taken turn start sent text usage end:complete settled taken turn text usage end:complete settled',
  interrupted: 'sent taken turn start toolUse:Bash ask:Bash withdraw failed:Bash usage end:AGENT_FAILED dropped',
  retry: 'sent taken turn start error:AGENT_API text usage end:complete settled',
  quota: 'sent taken turn start raw usage end:AGENT_QUOTA dropped',
  'not-signed-in': 'sent taken turn start usage end:AGENT_NOT_SIGNED_IN dropped',
  refusal: 'sent taken turn start text raw text raw usage end:AGENT_FAILED dropped',
  'unknown-conversation': 'usage end:AGENT_FAILED',
} as const

const FATES = { queued: 'sent', started: 'taken', completed: 'settled', dropped: 'dropped' } as const

/** Replays lines; the state goes from one to the next. */
function parseAll(lines: readonly string[]): ParsedEvent[] {
  let state = beginState('claude-code', '/home/user/project')
  return lines.flatMap((line) => {
    const parsed = parseLine(state, line)
    state = parsed.state
    return parsed.events
  })
}

function tell(event: ParsedEvent): string[] {
  switch (event.kind) {
    case 'delta':
      return []
    case 'request':
      return [event.request.kind === 'permission' ? `ask:${event.request.toolName}` : event.request.kind]
    case 'fate':
      return [FATES[event.fate]]
    case 'turnBegin':
      return ['turn']
    case 'turnEnd':
      return [`end:${event.end.kind === 'error' ? event.end.code : event.end.kind}`]
    case 'message':
      return [tellMessage(event.message)]
    default:
      return [event.kind]
  }
}

describe('a recorded session of Claude Code', () => {
  it.each(Object.entries(STORIES))('tells its story: %s', (name, story) => {
    expect(parseAll(linesOf('claude-code', name)).flatMap(tell).join(' ')).toBe(story)
  })

  itSaysTheSameHoweverCut(parseAll, 'claude-code', 'work')
})

describe('a line that Claude Code has never printed', () => {
  it.each([
    'not JSON at all',
    '[1,2]',
    '{"type":"system","subtype":"quantum_leap","to":1956}',
    '{"type":"hologram"}',
    '{"no":"type"}',
    '{"type":"__proto__"}',
    '{"type":"command_lifecycle","command_uuid":"1","state":"teleported"}',
    '{"type":"assistant","message":{"content":"text"}}',
  ])('is kept as it is: %s', (line) => {
    const parsed = parseLine(beginState('claude-code', '/'), line)
    expect(parsed.events).toEqual([{ kind: 'message', message: { type: 'raw', stream: 'stdout', content: line } }])
  })

  it('with a block of an unknown kind keeps the block and understands its neighbours', () => {
    const content = [
      { type: 'text', text: 'Look:' },
      { type: 'smell', of: 'coffee' },
    ]
    const line = JSON.stringify({ type: 'assistant', message: { content } })
    expect(parseAll([line])).toEqual([
      { kind: 'message', message: { type: 'text', content: 'Look:' } },
      { kind: 'message', message: { type: 'raw', stream: 'stdout', content: '{"type":"smell","of":"coffee"}' } },
    ])
  })

  it('that asks for what Troupe does not serve is kept, and answered', () => {
    const line = '{"type":"control_request","request_id":"7","request":{"subtype":"hook_callback"}}'
    expect(parseAll([line])).toEqual([
      { kind: 'message', message: { type: 'raw', stream: 'stdout', content: line } },
      { kind: 'request', request: { kind: 'unsupported', requestId: '7', subtype: 'hook_callback' } },
    ])
  })

  itWithstandsDamage(parseAll, 'claude-code', Object.keys(STORIES))
})

describe('tool uses that a turn leaves open', () => {
  it('are closed before its end', () => {
    const block = { type: 'tool_use', id: 'a', name: 'Bash', input: {} }
    const use = JSON.stringify({ type: 'assistant', message: { content: [block] } })
    const result = JSON.stringify({ type: 'result', subtype: 'error_during_execution', is_error: true, errors: ['x'] })
    expect(parseAll([use, result]).flatMap(tell)).toEqual(['toolUse:Bash', 'failed:Bash', 'usage', 'end:AGENT_FAILED'])
  })
})
