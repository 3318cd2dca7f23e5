/** What recorded output of the real Codex becomes, line by line. */
import { describe, expect, it } from 'vitest'
import { parseLine } from '../../../plugins/codex-cli/parse.ts'
import { type ParsedEvent, beginState, closeState } from '../../../plugins/codex-cli/state.ts'
import { itSaysTheSameHoweverCut, itWithstandsDamage, linesOf, tellMessage } from '../../helpers/recordings.ts'

/** Every conversation begins like this; the raw line is a warning about its sandbox. */
const BEGUN = 'greeted raw signedIn start opened accepted turnBegin heard'

/** What each recording says, without deltas. */
const STORIES = {
  work: `${BEGUN} thinking text toolUse:apply_patch ask:item/fileChange/requestApproval withdraw toolResult:apply_patch toolUse:shell ask:item/commandExecution/requestApproval withdraw toolResult:shell text usage turnEnd:complete`,
  denied: `${BEGUN} toolUse:shell ask:item/commandExecution/requestApproval withdraw failed:shell text usage turnEnd:complete`,
  question: `${BEGUN} ask:item/tool/requestUserInput withdraw text usage turnEnd:complete`,
  plan: `${BEGUN} text usage ask:plan turnEnd:complete accepted turnBegin heard text usage turnEnd:complete`,
  script: `${BEGUN} toolUse:shell toolResult:shell text usage turnEnd:complete`,
  interrupted: `${BEGUN} toolUse:shell ask:item/commandExecution/requestApproval usage turnEnd:AGENT_FAILED withdraw cleaned failed:shell`,
  retry: `${BEGUN} error:AGENT_API text usage turnEnd:complete`,
  quota: `${BEGUN} usage turnEnd:AGENT_QUOTA`,
  'not-signed-in': 'greeted raw failed:AGENT_NOT_SIGNED_IN',
  'unknown-conversation': 'greeted raw signedIn failed:AGENT_FAILED',
} as const

/** Replays lines; the state goes from one to the next. */
function parseAll(lines: readonly string[]): ParsedEvent[] {
  let state = beginState('codex-cli', '/home/user/project')
  const events = lines.flatMap((line) => {
    const parsed = parseLine(state, line)
    state = parsed.state
    return parsed.events
  })
  return [...events, ...closeState(state).events]
}

function tell(event: ParsedEvent): string[] {
  switch (event.kind) {
    case 'delta':
      return []
    case 'ask':
      return [`ask:${event.request.kind === 'request' ? event.request.method : event.request.kind}`]
    case 'accepted':
      return [event.turnId === undefined ? 'refused' : 'accepted']
    case 'failed':
    case 'turnEnd':
      return [`${event.kind}:${event.end.kind === 'error' ? event.end.code : event.end.kind}`]
    case 'message':
      return [tellMessage(event.message)]
    default:
      return [event.kind]
  }
}

const parseOne = (line: string): ParsedEvent[] => [...parseLine(beginState('codex-cli', '/'), line).events]
const kept = (line: string): ParsedEvent[] => [
  { kind: 'message', message: { type: 'raw', stream: 'stdout', content: line } },
]

describe('a recorded session of Codex', () => {
  it.each(Object.entries(STORIES))('tells its story: %s', (name, story) => {
    expect(parseAll(linesOf('codex-cli', name)).flatMap(tell).join(' ')).toBe(story)
  })

  itSaysTheSameHoweverCut(parseAll, 'codex-cli', 'work')
})

describe('a line that Codex has never printed', () => {
  it.each([
    'not JSON at all',
    '[1,2]',
    '{"method":"quantum/leap","params":{"to":1956}}',
    '{"no":"method"}',
    '{"method":"__proto__"}',
    '{"method":"turn/started"}',
    '{"method":"turn/completed","params":{"turn":7}}',
    '{"method":"item/started","params":{"item":{"type":"hologram","id":"1"}}}',
    '{"method":"item/completed","params":{"item":{"type":"hologram","id":"1"}}}',
    '{"id":7,"result":{}}',
    '{"id":"nobody-asked","error":{"code":1,"message":"no"}}',
  ])('is kept as it is: %s', (line) => {
    expect(parseOne(line)).toEqual(kept(line))
  })

  it('that asks for what Troupe does not serve is kept, and answered all the same', () => {
    const events = parseOne('{"id":7,"method":"hologram/show","params":{}}')
    expect(events).toMatchObject([
      { kind: 'message', message: { type: 'raw' } },
      { kind: 'ask', request: { kind: 'request', id: 7, method: 'hologram/show' } },
    ])
  })

  itWithstandsDamage(parseAll, 'codex-cli', Object.keys(STORIES))
})
