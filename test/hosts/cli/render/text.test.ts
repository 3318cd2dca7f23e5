import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { firstLines } from '../../../../hosts/cli/render/bounded.ts'
import { count, duration, shortId, when } from '../../../../hosts/cli/render/format.ts'
import { plainJson, plainLine, plainText } from '../../../../hosts/cli/render/sanitize.ts'
import { makeStyle } from '../../../../hosts/cli/render/style.ts'
import { displayWidth, truncate } from '../../../../hosts/cli/render/width.ts'
import { wrap } from '../../../../hosts/cli/render/wrap.ts'

describe('plain text', () => {
  it('never holds a control character but the line end, whatever it is made from', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(plainText(text)).not.toMatch(/[^\P{Cc}\n]/u)
        expect(plainLine(text)).not.toMatch(/\p{Cc}/u)
      }),
    )
  })

  it('keeps what people write', () => {
    expect(plainText('Grüße, 日本語 👩‍👩‍👧\n\tindented\r\nnext')).toBe('Grüße, 日本語 👩‍👩‍👧\n    indented\nnext')
  })
})

describe('JSON for programs', () => {
  it('says the same, and nothing to a terminal that shows it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const json = plainJson({ [text]: text })
        expect(json).not.toMatch(/[\p{Cc}\u2028\u2029]/u)
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ [text]: text })))
      }),
    )
    const hostile = ['\u009b2J', 'a\u202eb']
    expect(plainJson(hostile)).toBe(String.raw`["\u009b2J","a\u202eb"]`)
    expect(plainJson(hostile, 2)).toContain('\n  "')
  })
})

describe('the width of a text', () => {
  it('counts columns, not characters', () => {
    expect(displayWidth('abc')).toBe(3)
    expect(displayWidth('日本')).toBe(4)
    expect(displayWidth('é')).toBe(1)
    expect(displayWidth('e\u0301')).toBe(1)
    expect(displayWidth('👩‍👩‍👧')).toBe(2)
    expect(displayWidth('✓ ok')).toBe(4)
  })

  it('is kept when a text is cut', () => {
    expect(truncate('日本語', 5)).toBe('日本…')
    expect(truncate('abc', 3)).toBe('abc')
    expect(truncate('abc', 0)).toBe('')
    expect(truncate('x'.repeat(1_000_000), 4)).toBe('xxx…')
  })
})

describe('wrapping', () => {
  it('never makes a line wider than asked, and loses no word', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), fc.integer({ min: 10, max: 80 }), (words, width) => {
        const text = plainText(words.join(' '))
        const lines = wrap(text, width)
        expect(Math.max(0, ...lines.map(displayWidth))).toBeLessThanOrEqual(width)
        expect(lines.join('').replaceAll(/\s/g, '')).toBe(text.replaceAll(/\s/g, ''))
      }),
    )
  })

  it('keeps lists and indentation in their shape', () => {
    expect(wrap('- one two three four five', 14)).toEqual(['- one two', '  three four', '  five'])
    expect(wrap('    code stays where it is', 40)).toEqual(['    code stays where it is'])
  })
})

describe('numbers and times', () => {
  it('are short', () => {
    expect([0, 420, 9949, 12_400, 59_600, 65_000, 3_600_000].map(duration)).toEqual([
      '0.0s',
      '0.4s',
      '9.9s',
      '12s',
      '1m 00s',
      '1m 05s',
      '1h 00m',
    ])
    expect([0, 999, 1000, 12_345, 999_999, 1_200_000].map(count)).toEqual(['0', '999', '1.0k', '12.3k', '1.0M', '1.2M'])
    expect(shortId('01a20444-71d2-71db-8883-f0a17d608ee4')).toBe('7d608ee4')
  })

  it('are relative for a person and exact in a pipe', () => {
    const now = () => Date.parse('2026-01-10T12:00:00.000Z')
    const terminal = makeStyle({ isTTY: true }, {}, now)
    expect(when('2026-01-10T11:55:00.000Z', terminal)).toBe('5m ago')
    expect(when('2026-01-08T11:55:00.000Z', terminal)).toBe('2d ago')
    expect(when('2026-01-10T11:55:00.000Z', makeStyle({}, {}, now))).toBe('2026-01-10T11:55:00.000Z')
  })
})

describe('many lines', () => {
  it('are cut with a note, but not for the sake of one', () => {
    expect(firstLines(['a', 'b', 'c'], 2)).toEqual(['a', 'b', 'c'])
    expect(firstLines(['a', 'b', 'c', 'd'], 2)).toEqual(['a', 'b', '… 2 more lines'])
  })
})

describe('colour', () => {
  const paint = (stream: object, env: Record<string, string>) => makeStyle(stream, env).paint('red', 'x')

  it('is used on a terminal only, and not where it is unwanted', () => {
    expect(paint({ isTTY: true }, {})).not.toBe('x')
    expect(paint({}, {})).toBe('x')
    expect(paint({ isTTY: true }, { NO_COLOR: '1' })).toBe('x')
    expect(paint({ isTTY: true }, { TERM: 'dumb' })).toBe('x')
  })
})

describe('a very long line', () => {
  it('becomes a bounded number of rows, and one line stays one line', () => {
    const line = `${'word '.repeat(200_000)}é`
    expect(wrap(line, 80).length).toBeLessThan(200)
    expect(wrap(line, 80).at(-1)).toContain('…')
    expect(plainLine(`x${' '.repeat(65_000)}x`)).toHaveLength(65_002)
    expect(plainText(`${String.fromCodePoint(0x1b)}]`.repeat(1000)).length).toBeLessThan(10)
  })
})
