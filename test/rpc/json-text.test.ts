import { array, assert, constantFrom, integer, json, property } from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseJson } from '../../core/rpc/json-text.ts'

const depthOf = (value: unknown): number =>
  typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depthOf)) : 0

describe('JSON from strangers', () => {
  it('is what JSON.parse makes of it, as long as it is not too deep', () => {
    assert(
      property(json({ maxDepth: 8 }), integer({ min: 1, max: 10 }), (text, limit) => {
        const value: unknown = JSON.parse(text)
        if (depthOf(value) > limit)
          expect(() => parseJson(text, limit)).toThrow(expect.objectContaining({ code: 'LIMIT_DEPTH' }))
        else expect(parseJson(text, limit)).toEqual(withoutProto(value))
      }),
    )
  })

  it('never throws anything but its two errors, whatever the text', () => {
    const pieces = array(constantFrom('"', '\\', '[', ']', '{', '}', ':', ',', '1', 'null', '\\u005f_proto__'))
    assert(
      property(pieces, (parts) => {
        try {
          parseJson(parts.join(''), 5)
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(PARSE_ERROR|LIMIT_DEPTH)$/) })
        }
      }),
    )
  })

  it('loses keys named __proto__ at any depth, however they are written, and keeps the word in texts', () => {
    const text = '{"a":{"__proto__":{"x":1},"b":["__proto__"]},"\\u005f_proto_\\u005F":{"x":1}}'
    const value = parseJson(text, 10)
    expect(value).toEqual({ a: { b: ['__proto__'] } })
    expect(value).not.toHaveProperty('x')
  })

  it('of 4 MiB of escaped quotes is scanned in one pass', () => {
    const text = JSON.stringify('"\\'.repeat(500_000))
    expect(parseJson(text, 1)).toHaveLength(1_000_000)
  })
})

function withoutProto(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (key, inner: unknown) => (key === '__proto__' ? undefined : inner))
}
