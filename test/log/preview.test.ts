import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LARGEST_BODY, toLogBody } from '../../core/log/preview.ts'

const preview = (body: object) => toLogBody(JSON.stringify(body))

describe('the body of a message in the log', () => {
  it('is left alone up to 64 KiB of UTF-8, to the byte', () => {
    const frame = Buffer.byteLength(JSON.stringify({ type: 'text', content: '' }))
    const fits = { type: 'text', content: 'a'.repeat(LARGEST_BODY - frame) }
    expect(preview(fits)).toEqual({ body: JSON.stringify(fits) })
    expect(preview({ ...fits, content: `${fits.content}a` }).fullBytes).toBe(LARGEST_BODY + 1)
    expect(preview({ type: 'text', content: 'ü'.repeat(40_000) }).fullBytes).toBeGreaterThan(LARGEST_BODY)
  })

  it('has its long strings cut, never inside of a character', () => {
    const { body } = preview({
      type: 'toolResult',
      output: { a: ['🎭'.repeat(50_000), 'short'] },
      content: `x${'🎭'.repeat(50_000)}`,
    })
    expect(JSON.parse(body)).toEqual({
      type: 'toolResult',
      output: { a: ['🎭'.repeat(1024), 'short'] },
      content: `x${'🎭'.repeat(1023)}`,
    })
  })

  it('has what is still too large replaced by the beginning of its JSON text', () => {
    const { body } = preview({
      type: 'toolUse',
      input: Array.from({ length: 20_000 }, (_, index) => index),
      kind: 'read',
    })
    const parsed: { input: string } = JSON.parse(body)
    expect(parsed).toMatchObject({ type: 'toolUse', kind: 'read' })
    expect(parsed.input.startsWith('[0,1,2,3')).toBe(true)
    expect(parsed.input).toHaveLength(4096)
  })

  it('is always valid JSON of the same type within its bound', () => {
    const content = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 20_000, maxLength: 30_000 }),
      fc.json({ maxDepth: 5 }),
    )
    const body = fc.record({
      content,
      output: fc.array(fc.string({ unit: 'binary', maxLength: 9000 }), { maxLength: 40 }),
    })
    fc.assert(
      fc.property(body, (fields) => {
        const sized = preview({ type: 'toolResult', ...fields })
        expect(Buffer.byteLength(sized.body)).toBeLessThanOrEqual(LARGEST_BODY)
        expect(sized.body.startsWith('{"type":"toolResult"')).toBe(true)
        expect(JSON.parse(sized.body)).toMatchObject({ type: 'toolResult' })
      }),
      { numRuns: 50 },
    )
  })
})
