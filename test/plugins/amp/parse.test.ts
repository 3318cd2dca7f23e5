/** Lines of Amp's documented stream, and lines that no Amp has ever printed. */
import { array, assert, constantFrom, integer, jsonValue, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageBody } from '../../../core/contract/messages.ts'
import { LineSplitter } from '../../../core/plugin/lines.ts'
import { beginState, closeTools, parseLine, type Parsed } from '../../../plugins/amp/parse.ts'

const line = (type: string, rest: object): string => JSON.stringify({ type, session_id: 'T-1', ...rest })
const assistant = (...content: object[]): string =>
  line('assistant', { message: { role: 'assistant', content, usage: { input_tokens: 3, output_tokens: 2 } } })
const USE = { type: 'tool_use', id: 'a', name: 'Bash', input: { cmd: 'ls' } }
const RESULT = { type: 'tool_result', tool_use_id: 'a', content: 'made', is_error: false }

const STREAM = [
  line('system', { subtype: 'init', cwd: '/project', tools: [], mcp_servers: [] }),
  line('user', { message: { role: 'user', content: [{ type: 'text', text: 'Do it: ü, 語, 🎭.' }] } }),
  assistant({ type: 'thinking', thinking: 'Hm.' }, { type: 'text', text: 'I look: ü, 語, 🎭.' }, USE),
  line('user', { message: { role: 'user', content: [RESULT] } }),
  line('result', { subtype: 'success', is_error: false, result: 'Done.', num_turns: 1 }),
]

function parseAll(lines: readonly string[]): Parsed {
  return lines.reduce<Parsed>(
    ({ state, messages, end }, text) => {
      const parsed = parseLine(state, text)
      return {
        state: parsed.state,
        messages: [...messages, ...parsed.messages],
        ...((parsed.end ?? end) && { end: parsed.end ?? end }),
      }
    },
    { state: beginState('amp', '/project'), messages: [] },
  )
}

describe('the stream of Amp', () => {
  it('becomes messages, and a result ends its turn', () => {
    const { messages, end } = parseAll(STREAM)
    expect(messages.map(({ type }) => type)).toEqual(['start', 'thinking', 'text', 'toolUse', 'toolResult', 'usage'])
    expect(end).toMatchObject({ kind: 'complete', summary: 'Done.', usage: { inputTokens: 3, outputTokens: 2 } })
  })

  it('says the same however its bytes are cut', () => {
    const bytes = new TextEncoder().encode(`${STREAM.join('\n')}\n`)
    assert(
      property(array(integer({ min: 1, max: bytes.length - 1 }), { maxLength: 40 }), (cuts) => {
        const splitter = new LineSplitter()
        const edges = [0, ...cuts.toSorted((left, right) => left - right), bytes.length]
        const pieces = edges
          .slice(1)
          .flatMap((edge, index) => [...splitter.push(bytes.subarray(edges[index], edge), edges[index] ?? 0)])
        expect(parseAll([...pieces, ...splitter.finish()].map(({ text }) => text))).toEqual(parseAll(STREAM))
      }),
      { numRuns: 50 },
    )
  })

  it('closes a tool whose result never came', () => {
    const { state } = parseAll(STREAM.slice(0, 3))
    expect(closeTools(state).messages).toMatchObject([{ type: 'toolResult', toolUseId: 'a', success: false }])
  })

  it.each(['not JSON', '[1]', '{"type":"hologram"}', '{"type":"__proto__"}', '{"type":"system","subtype":"news"}'])(
    'keeps a line of an unknown kind: %s',
    (text) => {
      expect(parseAll([text]).messages).toEqual([{ type: 'raw', stream: 'stdout', content: text }])
    },
  )

  it('damaged, never makes the parser fail or say something that the contract does not allow', () => {
    assert(
      property(constantFrom(...STREAM), nat(), jsonValue(), (text, place, value) => {
        const damaged = JSON.stringify(damage(JSON.parse(text), place, value))
        for (const message of parseAll([...STREAM.slice(0, 3), damaged]).messages) messageBody.parse(message)
      }),
      { numRuns: 1000 },
    )
  })
})

/** Puts `value` in the place of one of the values inside `json`. */
function damage(json: unknown, place: number, value: unknown): unknown {
  let left = place % 37
  const walk = (node: unknown): unknown => {
    if (left-- === 0) return value
    if (Array.isArray(node)) return node.map(walk)
    if (typeof node !== 'object' || node === null) return node
    return Object.fromEntries(Object.entries(node).map(([key, child]) => [key, walk(child)]))
  }
  return walk(json)
}
