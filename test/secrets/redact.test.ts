import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bounded } from '../../core/base/cut.ts'
import { makeRedactor } from '../../core/secrets/redact.ts'

const secret = { name: 'TOKEN', value: 'sk-"quoted"\\and/slashed' }
const redactor = makeRedactor([secret])

describe('masking secrets', () => {
  test('masks the value as it is, in JSON, in JSON within JSON, in a URL and in base64', () => {
    const forms = [
      secret.value,
      JSON.stringify(secret.value),
      JSON.stringify(JSON.stringify(secret.value)),
      encodeURIComponent(secret.value),
      Buffer.from(secret.value).toString('base64'),
    ]
    for (const form of forms) {
      const masked = redactor.text(`before ${form} after`)
      expect(masked).toContain('[secret TOKEN]')
      expect(masked).not.toContain('quoted')
    }
  })

  test('masks it in base64 behind any prefix, as HTTP sends a user and a token', () => {
    for (const user of ['', 'a', 'ab', 'abc', 'x-access-token']) {
      const header = Buffer.from(`${user}:${secret.value}:and more`).toString('base64')
      expect(redactor.text(header)).toContain('[secret TOKEN]')
    }
  })

  test('masks it in base64 as web tokens have it, and in a URL whose escapes are small letters', () => {
    const value = 's?k>~~~and??more>>+/='
    const masking = makeRedactor([{ name: 'TOKEN', value }])
    for (const user of ['', 'a', 'ab']) {
      const token = Buffer.from(`${user}${value}`).toString('base64url')
      expect(token).toMatch(/[-_]/)
      expect(masking.text(token)).toContain('[secret TOKEN]')
    }
    expect(masking.text(encodeURIComponent(value).toLowerCase())).toBe('[secret TOKEN]')
  })

  test('masks it without the space around it that a file of variables leaves', () => {
    for (const value of ['sk-ant-0123456789abcdef\r', 'sk-ant-0123456789abcdef\n', ' sk-ant-0123456789abcdef ']) {
      expect(makeRedactor([{ name: 'KEY', value }]).text('<sk-ant-0123456789abcdef>')).toBe('<[secret KEY]>')
    }
  })

  test('masks it in every text of a value', () => {
    expect(redactor.json({ a: [secret.value], b: { c: 1 } })).toEqual({ a: ['[secret TOKEN]'], b: { c: 1 } })
  })

  test('keeps JSON valid', () => {
    const json = JSON.stringify({ type: 'text', content: `the key is ${secret.value}!` })
    expect(JSON.parse(redactor.jsonText(json))).toEqual({ type: 'text', content: 'the key is [secret TOKEN]!' })
  })

  test('keeps JSON valid when a secret could be a part of a number', () => {
    const pin = makeRedactor([{ name: 'PIN', value: '000000' }, secret])
    const filler = `\\"${'\\n'.repeat(1_000_000)}`
    const value = { offset: 1_000_000, text: `${filler} 1000000 "000000"\\`, '000000': [secret.value] }
    const masked = {
      offset: 1_000_000,
      text: `${filler} 1[secret PIN] "[secret PIN]"\\`,
      '[secret PIN]': ['[secret TOKEN]'],
    }
    expect(JSON.parse(pin.jsonText(JSON.stringify(value)))).toEqual(masked)
    expect(pin.json(value)).toEqual(masked)
  })

  test('masks a key of several lines line by line', () => {
    const value = [
      '-----BEGIN KEY-----',
      'abcdefghijklmnopqrstuvwxyz',
      '0123456789abcdefghij',
      '-----END KEY-----',
    ].join('\n')
    expect(makeRedactor([{ name: 'KEY', value }]).text('x abcdefghijklmnopqrstuvwxyz y')).toBe('x [secret KEY] y')
  })

  test('masks the longer of two secrets that begin alike', () => {
    const two = makeRedactor([
      { name: 'SHORT', value: 'abcdef' },
      { name: 'LONG', value: 'abcdefghi' },
    ])
    expect(two.text('abcdefghi abcdef')).toBe('[secret LONG] [secret SHORT]')
  })

  test('leaves very short values alone, which occur by accident everywhere', () => {
    expect(makeRedactor([{ name: 'PIN', value: '1234' }]).text('1234')).toBe('1234')
  })

  test('leaves what is one of the words that the JSON is made of, and names it', () => {
    const isOwnWord = (text: string) => 'toolUse'.includes(text)
    const masking = makeRedactor(
      [{ name: 'DUMMY', value: 'toolUs' }, { name: 'PIN', value: '1234' }, secret],
      isOwnWord,
    )
    expect(masking.unmasked).toEqual(['DUMMY', 'PIN'])
    expect(masking.jsonText('{"type":"toolUse"}')).toBe('{"type":"toolUse"}')
    expect(masking.text(secret.value)).toBe('[secret TOKEN]')
  })

  test.each([
    'nabcdef',
    '001babcdef',
    '1babcdef',
    'uabcdef',
    'abcdef\\',
    '"abcdef',
    '{"a":"bcdef"}',
    '1,2,3,4',
    '[true]',
  ])('keeps JSON valid when a secret could be a part of its syntax: %s', (value) => {
    const masking = makeRedactor([{ name: 'ODD', value }])
    const given = [
      { a: 'bcdef', b: [1, 2, 3, 4], c: [true], d: ['\nabcdef', '\u001babcdef', 'abcdef\n', '\\"abcdef', '\\uabcdef'] },
      value,
      `<${value}>`,
    ]
    const masked = masking.json(given)
    expect(masked[0]).toMatchObject({ a: 'bcdef', b: [1, 2, 3, 4], c: [true] })
    expect(masked.slice(1)).toEqual(['[secret ODD]', '<[secret ODD]>'])
  })

  test('masks the beginning of a secret that a length limit cut, in text and in JSON', () => {
    const value = 'sk-"quoted"\\\n\u00e9/slashed+and+longx'
    const masking = makeRedactor([{ name: 'TOKEN', value }])
    for (const form of [
      value,
      JSON.stringify(value),
      encodeURIComponent(value),
      Buffer.from(value).toString('base64'),
    ]) {
      for (let length = 8; length < form.length; length += 1) {
        const cut = `${bounded(`the key is ${form} and more`, 11 + length)}\nWhy?`
        expect(masking.text(cut)).toMatch(/^the key is "?\[secret TOKEN\]\.\.\. \(\d+ more characters\)\nWhy\?$/)
        expect(masking.json([cut, cut]).join()).not.toContain(form.slice(0, 8))
      }
    }
    expect(masking.text('abc... (3 more characters)')).toBe('abc... (3 more characters)')
  })

  test('masks cut beginnings in the time that the text takes, however many marks it has', () => {
    const masking = makeRedactor([{ name: 'KEY', value: 'a'.repeat(2_000) }])
    const text = `${'a'.repeat(20)}... (1 more characters)`.repeat(20_000)
    expect(masking.text(text)).toBe('[secret KEY]... (1 more characters)'.repeat(20_000))
  })

  test('never lets a secret through a stream of fragments, however it is cut, and loses nothing else', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(30), { maxLength: 20 }), fc.string(), fc.string(), (cuts, before, after) => {
        const whole = `${before}${secret.value}${after}`
        const stream = redactor.stream()
        let rest = whole
        let shown = ''
        for (const cut of cuts) {
          shown += stream.push(rest.slice(0, cut))
          rest = rest.slice(cut)
        }
        shown += stream.push(rest) + stream.end()
        expect(shown).toBe(redactor.text(whole))
      }),
    )
  })
})
