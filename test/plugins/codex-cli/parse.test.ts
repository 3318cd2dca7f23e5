/** What recorded output of the real Codex becomes, line by line. */
import { readFileSync } from 'node:fs'
import { array, assert, constantFrom, integer, jsonValue, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageBody } from '../../../core/contract/messages.ts'
import { LineSplitter } from '../../../core/plugin/lines.ts'
import { parseLine } from '../../../plugins/codex-cli/parse.ts'
import { type ParsedEvent, beginState, closeTools } from '../../../plugins/codex-cli/state.ts'

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

const read = (name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../../../fixtures/agents/codex-cli/${name}.ndjson`, import.meta.url)))

/** Replays lines; the state goes from one to the next. */
function parseAll(lines: readonly string[]): ParsedEvent[] {
  let state = beginState('codex-cli', '/home/user/project')
  const events = lines.flatMap((line) => {
    const parsed = parseLine(state, line)
    state = parsed.state
    return parsed.events
  })
  return [...events, ...closeTools(state).events]
}

const linesOf = (name: string): string[] => new TextDecoder().decode(read(name)).split('\n')

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

function tellMessage(message: Extract<ParsedEvent, { kind: 'message' }>['message']): string {
  if (message.type === 'toolUse') return `toolUse:${message.toolName}`
  if (message.type === 'toolResult') return `${message.success ? 'toolResult' : 'failed'}:${message.toolName}`
  return message.type === 'error' ? `error:${message.code}` : message.type
}

const parseOne = (line: string): ParsedEvent[] => [...parseLine(beginState('codex-cli', '/'), line).events]
const kept = (line: string): ParsedEvent[] => [
  { kind: 'message', message: { type: 'raw', stream: 'stdout', content: line } },
]

describe('a recorded session of Codex', () => {
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
      { numRuns: 50 },
    )
  })
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
      { numRuns: 2000 },
    )
  })
})

/** Puts `value` in the place of one of the values inside `json`. */
function damage(json: unknown, place: number, value: unknown): unknown {
  let left = place % 97
  const walk = (node: unknown): unknown => {
    if (left-- === 0) return value
    if (Array.isArray(node)) return node.map(walk)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, walk(child)]))
  }
  return walk(json)
}
