/** Recorded output of agents, and what holds of every parser of it. */
import { readFileSync } from 'node:fs'
import { array, assert, constantFrom, integer, jsonValue, nat, property } from 'fast-check'
import { expect, it } from 'vitest'
import { messageBody } from '../../core/contract/messages.ts'
import type { AgentMessage } from '../../core/plugin/contract/index.ts'
import { LineSplitter } from '../../core/plugin/lines.ts'

const folder = new URL('../../fixtures/agents/', import.meta.url)

/** What a parser makes of lines, its state going from one to the next. */
export type Hear<Event extends { readonly kind: string }> = (lines: readonly string[]) => readonly Event[]

const read = (agent: string, name: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`${agent}/${name}.ndjson`, folder)))

export const linesOf = (agent: string, name: string): string[] =>
  new TextDecoder().decode(read(agent, name)).split('\n')

/** A message in a story: its type, and what tells it from others of that type. */
export function tellMessage(message: AgentMessage): string {
  if (message.type === 'toolUse') return `toolUse:${message.toolName}`
  if (message.type === 'toolResult') return `${message.success ? 'toolResult' : 'failed'}:${message.toolName}`
  return message.type === 'error' ? `error:${message.code}` : message.type
}

export function itSaysTheSameHoweverCut(hear: Hear<{ readonly kind: string }>, agent: string, name: string): void {
  it('says the same however its bytes are cut', () => {
    const bytes = read(agent, name)
    const whole = hear(linesOf(agent, name))
    assert(
      property(array(integer({ min: 1, max: bytes.length - 1 }), { maxLength: 40 }), (cuts) => {
        expect(hear(splitAt(bytes, cuts))).toEqual(whole)
      }),
      { numRuns: 50 },
    )
  })
}

function splitAt(bytes: Uint8Array<ArrayBuffer>, cuts: readonly number[]): string[] {
  const splitter = new LineSplitter()
  const edges = [0, ...cuts.toSorted((left, right) => left - right), bytes.length]
  const pieces = edges
    .slice(1)
    .flatMap((edge, index) => [...splitter.push(bytes.subarray(edges[index], edge), edges[index] ?? 0)])
  return [...pieces, ...splitter.finish()].map(({ text }) => text)
}

export function itWithstandsDamage<Event extends { readonly kind: string }>(
  hear: Hear<Event>,
  agent: string,
  names: readonly string[],
): void {
  it('damaged, never makes the parser fail or say something that the contract does not allow', () => {
    const lines = names.flatMap((name) => linesOf(agent, name)).filter((line) => line !== '')
    assert(
      property(constantFrom(...lines), nat(), jsonValue(), (line, place, value) => {
        const damaged = JSON.stringify(damage(JSON.parse(line), place, value))
        for (const event of hear([damaged])) if ('message' in event) messageBody.parse(event.message)
      }),
      { numRuns: 2000 },
    )
  })
}

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
