import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { LineSplitter, type Piece } from '../../core/plugin/lines.ts'

/** Splits `bytes`, given in chunks of the sizes. */
function split(bytes: Uint8Array, sizes: readonly number[], splitter = new LineSplitter()): Piece[] {
  const pieces: Piece[] = []
  let offset = 0
  for (let i = 0; offset < bytes.length; i++) {
    const chunk = bytes.subarray(offset, offset + (sizes[i % sizes.length] ?? 1))
    pieces.push(...splitter.push(chunk, offset))
    offset += chunk.length
  }
  return [...pieces, ...splitter.finish()]
}

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 })
const texts = (pieces: readonly Piece[]) => pieces.map(({ text }) => text)

test('lines are the same however the stream was cut, also within a character', () => {
  const line = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll(/[\r\n]/g, '').toWellFormed())
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), sizes, (lines, cuts) => {
      expect(texts(split(Buffer.from(lines.map((text) => `${text}\n`).join('')), cuts))).toEqual(lines)
    }),
  )
})

test('each line ends where the next one begins', () => {
  fc.assert(
    fc.property(fc.uint8Array(), sizes, (bytes, cuts) => {
      const pieces = split(bytes, cuts)
      const starts = [0, ...pieces.map(({ end }) => end)]
      pieces.forEach(({ text, end }, index) => {
        const own = Buffer.from(bytes.subarray(starts[index], end)).toString('utf8')
        expect(text).toBe(own.replace(/\r?\n$/, '').replace(/\r$/, ''))
      })
      expect(starts.at(-1)).toBe(bytes.length)
    }),
  )
})

test('a line end of \\r\\n is taken off, an empty line is kept, the last line needs no end', () => {
  expect(texts(split(Buffer.from('a\r\n\nb\rc\nlast'), [2]))).toEqual(['a', '', 'b\rc', 'last'])
})

test('a line over the limit comes as parts, which together are all of it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 21, max: 200 }), sizes, (length, cuts) => {
      const long = '\u20ac'.repeat(length)
      const pieces = split(Buffer.from(`short\n${long}\nafter\n`), cuts, new LineSplitter(60, 20))
      const parts = pieces.filter(({ kind }) => kind === 'part')
      expect(texts(parts).join('')).toBe(long)
      expect(parts.every(({ text }) => text.length <= 20)).toBe(true)
      expect(texts(pieces.filter(({ kind }) => kind === 'line'))).toEqual(['short', 'after'])
      expect(parts.at(-1)?.end).toBe(6 + 3 * length + 1)
    }),
  )
})

test('a line over the limit without an end is given to its last byte', () => {
  const pieces = split(Buffer.from('x'.repeat(100)), [7], new LineSplitter(60, 20))
  expect(texts(pieces).join('')).toBe('x'.repeat(100))
  expect(pieces.at(-1)?.end).toBe(100)
})

test('holds nothing of a chunk whose lines were taken', () => {
  const splitter = new LineSplitter()
  const chunk = new TextEncoder().encode('one\ntw')
  expect([...splitter.push(chunk, 0)].map(({ text }) => text)).toEqual(['one'])
  chunk.fill(0)
  expect([...splitter.push(new TextEncoder().encode('o\n'), 6)].map(({ text }) => text)).toEqual(['two'])
})

test('a line over the limit is cut between words where it can be, so that no part has half of a secret', () => {
  const words = Array.from({ length: 50 }, (_, index) => `"word${index}" `)
  const pieces = split(Buffer.from(words.join('')), [7], new LineSplitter(60, 20))
  expect(texts(pieces).join('')).toBe(words.join(''))
  expect(texts(pieces).join('|')).not.toMatch(/\w\|\w/)
  expect(pieces.length).toBeGreaterThan(words.length / 3)
})
