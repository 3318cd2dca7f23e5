/** What recorded output of Gemini CLI becomes, line by line. */
import { readFileSync } from 'node:fs'
import { array, assert, constantFrom, integer, jsonValue, nat, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messageBody } from '../../../core/contract/messages.ts'
import { LineSplitter } from '../../../core/plugin/lines.ts'
import { asObject, type JsonObject } from '../../../core/plugin/contract/index.ts'
import { readLine } from '../../../plugins/acp/protocol.ts'
import {
  emptyTranscript,
  endTurn,
  hearPermission,
  hearUpdate,
  type Heard,
  type Spoken,
} from '../../../plugins/acp/transcript.ts'
import { translate, usageOf } from '../../../plugins/gemini-cli/translate.ts'

const folder = new URL('../../../fixtures/agents/gemini-cli/', import.meta.url)

/** What each recording says, without deltas. */
const STORIES = {
  work: 'thinking toolUse:run_shell_command toolResult:run_shell_command toolUse:write_file toolResult:write_file text',
  denied: 'toolUse:run_shell_command text failed:run_shell_command',
  plan: 'text',
  quota: '',
} as const

const read = (name: string) => new Uint8Array(readFileSync(new URL(`${name}.ndjson`, folder)))
const linesOf = (name: string): string[] => new TextDecoder().decode(read(name)).split('\n')

/** Replays lines as one turn, the way a conversation does. */
function hearAll(lines: readonly string[]): Spoken[] {
  let transcript = emptyTranscript
  const take = (heard: Heard) => {
    transcript = heard.transcript
    return heard.spoken
  }
  const spoken = lines.flatMap((text) => {
    const line = readLine(text)
    if (line?.kind === 'request') {
      return take(hearPermission(transcript, translate(asObject(line.params['toolCall']) ?? {}) ?? {}))
    }
    const update = line?.kind === 'notification' ? translate(asObject(line.params['update']) ?? {}) : undefined
    return update ? take(hearUpdate(transcript, update)) : []
  })
  return [...spoken, ...endTurn(transcript, undefined).spoken]
}

const tell = (spoken: Spoken): string[] => {
  if (spoken.kind === 'delta') return []
  const { message } = spoken
  if (message.type === 'toolUse') return [`toolUse:${message.toolName}`]
  if (message.type === 'toolResult') return [`${message.success ? 'toolResult' : 'failed'}:${message.toolName}`]
  return [message.type]
}

describe('a recorded session of Gemini CLI', () => {
  it.each(Object.entries(STORIES))('tells its story: %s', (name, story) => {
    expect(hearAll(linesOf(name)).flatMap(tell).join(' ')).toBe(story)
  })

  it('says the same however its bytes are cut', () => {
    const bytes = read('work')
    const whole = hearAll(linesOf('work'))
    assert(
      property(array(integer({ min: 1, max: bytes.length - 1 }), { maxLength: 40 }), (cuts) => {
        const splitter = new LineSplitter()
        const edges = [0, ...cuts.toSorted((left, right) => left - right), bytes.length]
        const pieces = edges
          .slice(1)
          .flatMap((edge, index) => [...splitter.push(bytes.subarray(edges[index], edge), edges[index] ?? 0)])
        expect(hearAll([...pieces, ...splitter.finish()].map(({ text }) => text))).toEqual(whole)
      }),
      { numRuns: 50 },
    )
  })

  it('damaged, never makes the reader fail or say something that the contract does not allow', () => {
    const lines = Object.keys(STORIES)
      .flatMap(linesOf)
      .filter((line) => line !== '')
    assert(
      property(constantFrom(...lines), nat(), jsonValue(), (line, place, value) => {
        const damaged = damage(JSON.parse(line), place, value)
        usageOf(asObject(asObject(JSON.parse(JSON.stringify(damaged)))?.['result']) ?? {})
        for (const spoken of hearAll([JSON.stringify(damaged)])) {
          if (spoken.kind === 'message') messageBody.parse(spoken.message)
        }
      }),
      { numRuns: 1000 },
    )
  })
})

describe('an update of Gemini CLI', () => {
  it.each<JsonObject>([{ sessionUpdate: 'hologram' }, { sessionUpdate: 'tool_call' }, {}])(
    'of an unknown kind stays: %o',
    (said) => {
      expect(translate(said)).toEqual(said)
    },
  )

  it('that only says its mode says nothing', () => {
    const words = (text: string) => ({ sessionUpdate: 'agent_message_chunk', content: { type: 'text', text } })
    expect(translate(words('[MODE_UPDATE] plan'))).toBeUndefined()
    expect(translate(words('It printed [MODE_UPDATE] plan.'))).toBeDefined()
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
