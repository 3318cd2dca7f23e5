import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
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
