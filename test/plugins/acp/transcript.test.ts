/** What recorded output of real agents over ACP becomes, line by line. */
import { describe, expect, it } from 'vitest'
import type { Spoken } from 'troupe/plugin'
import { itSaysTheSameHoweverCut, itWithstandsDamage, linesOf } from '../../helpers/recordings.ts'
import { hearAll, tell } from './hear-all.ts'

/** What each recording says, without deltas. */
const STORIES = {
  'claude-work': 'raw thinking toolUse:Bash toolResult:Bash text',
  'claude-denied': 'raw toolUse:Bash failed:Bash text',
  'claude-question': 'raw toolUse:AskUserQuestion toolResult:AskUserQuestion text',
  'claude-quota': 'raw text',
  'opencode-work': 'thinking toolUse:bash toolResult:bash toolUse:write toolResult:write text',
  // A refusal ends its turn.
  'opencode-denied': 'toolUse:bash failed:bash',
  'opencode-error': '',
} as const

const kept = (content: string): Spoken => ({ kind: 'message', message: { type: 'raw', stream: 'stdout', content } })

const update = (content: object): string =>
  JSON.stringify({ jsonrpc: '2.0', method: 'session/update', params: { sessionId: 's', update: content } })

const chunk = (text: string, messageId = 'm') =>
  update({ sessionUpdate: 'agent_message_chunk', messageId, content: { type: 'text', text } })

const toolCall = (fields: object) =>
  update({ sessionUpdate: 'tool_call', toolCallId: 't', title: 'Run', kind: 'execute', status: 'pending', ...fields })

const toolUpdate = (fields: object) => update({ sessionUpdate: 'tool_call_update', toolCallId: 't', ...fields })

const messagesOf = (...lines: string[]) =>
  hearAll(lines).flatMap((spoken) => (spoken.kind === 'message' ? [spoken.message] : []))

describe('a recorded session over ACP', () => {
  it.each(Object.entries(STORIES))('tells its story: %s', (name, story) => {
    expect(hearAll(linesOf('acp', name)).flatMap(tell).join(' ')).toBe(story)
  })

  itSaysTheSameHoweverCut((lines) => hearAll(lines), 'acp', 'claude-work')
})

describe('text', () => {
  it('is shown in fragments and told whole, one message for each of the agent', () => {
    expect(messagesOf(chunk('One, '), chunk('two.'), chunk('Three.', 'n'))).toEqual([
      { type: 'text', content: 'One, two.' },
      { type: 'text', content: 'Three.' },
    ])
  })

  it('that goes on and on is told in parts', () => {
    const texts = messagesOf(...Array.from({ length: 100 }, () => chunk('x'.repeat(1000))))
    expect(texts.length).toBeGreaterThan(3)
    expect(texts.map((message) => (message.type === 'text' ? message.content : '')).join('')).toHaveLength(100_000)
  })
})

describe('a tool use', () => {
  const used = { type: 'toolUse', toolUseId: 't', toolName: 'Run', kind: 'command', input: { command: 'ls' } }

  it('that is announced without its input is told when that comes', () => {
    const lines = [toolCall({ rawInput: {} }), toolUpdate({ rawInput: { command: 'ls' } })]
    expect(messagesOf(...lines)[0]).toEqual(used)
    expect(hearAll(lines.slice(0, 1)).flatMap(tell)).toEqual(['toolUse:Run', 'failed:Run'])
  })

  it('that is announced with a part of its input is told when nothing more comes', () => {
    const announced = toolCall({ rawInput: { cwd: '/' } })
    const whole = toolUpdate({ status: 'in_progress', rawInput: { command: 'ls' } })
    expect(messagesOf(announced, whole)[0]).toEqual(used)
    expect(messagesOf(announced, chunk('Hm.')).slice(0, 1)).toMatchObject([{ type: 'toolUse', input: { cwd: '/' } }])
  })

  it('that is heard of only in a permission request is told all the same, and closed', () => {
    const params = {
      toolCall: { toolCallId: 't', title: 'Run', kind: 'execute', rawInput: { command: 'ls' } },
      options: [],
    }
    const asked = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'session/request_permission', params })
    expect(messagesOf(asked)).toMatchObject([used, { type: 'toolResult', toolUseId: 't', success: false }])
  })

  it('is told once, with one result', () => {
    const lines = [
      toolCall({ status: 'in_progress' }),
      toolUpdate({ rawInput: { a: 1 } }),
      toolUpdate({ status: 'completed' }),
    ]
    expect(hearAll(lines).flatMap(tell)).toEqual(['toolUse:Run', 'toolResult:Run'])
  })

  it('gives its raw output, or the text that stands for it', () => {
    const content = [{ type: 'content', content: { type: 'text', text: 'shown' } }]
    const ended = (fields: object) =>
      messagesOf(toolCall({}), toolUpdate({ status: 'failed', content, ...fields })).at(-1)
    expect(ended({ rawOutput: { exit: 3 } })).toMatchObject({ output: { exit: 3 }, success: false })
    expect(ended({})).toMatchObject({ output: 'shown' })
  })
})

describe('a line that no agent has ever printed', () => {
  it.each([
    'not JSON at all',
    '[1,2]',
    '{"jsonrpc":"2.0"}',
    '{"jsonrpc":"2.0","method":"_vendor/news","params":{}}',
    '{"jsonrpc":"2.0","method":"session/update","params":{"update":7}}',
  ])('is kept as it is: %s', (line) => {
    expect(hearAll([line])).toEqual([kept(line)])
  })

  it.each([
    { sessionUpdate: 'hologram', of: 'a cat' },
    { sessionUpdate: '__proto__' },
    { sessionUpdate: 'agent_message_chunk', content: { type: 'smell', of: 'coffee' } },
    { sessionUpdate: 'tool_call' },
    { no: 'kind' },
  ])('keeps an update of an unknown kind: %o', (content) => {
    expect(hearAll([update(content)])).toEqual([kept(JSON.stringify(content))])
  })

  itWithstandsDamage((lines) => hearAll(lines), 'acp', Object.keys(STORIES))
})
