/** Masks the values of secrets in whatever leaves the machine that knows them (L7). Pure. */

export interface Secret {
  readonly name: string
  readonly value: string
}

/** Shorter values occur by accident everywhere; masking them would only garble the log. */
const SHORTEST = 6

const mask = (name: string): string => `[secret ${name}]`
const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
const isNumeric = (text: string): boolean => /^[-+.\deE]+$/.test(text)
const same = (text: string): string => text
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1)

/** Base64 at each of the three places where a secret may begin, without what depends on its neighbours. */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value)
  return [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const tail = (shift + bytes.length) % 3 === 0 ? text.length : text.length - 1
    return text.slice(shift === 0 ? 0 : shift + 1, tail)
  })
}

const inUrl = (text: string): string[] => {
  const encoded = encodeURIComponent(text)
  return [encoded, encoded.replace(/%../g, (escape) => escape.toLowerCase())]
}
const forUrls = (base64: string): string => base64.replaceAll('+', '-').replaceAll('/', '_')

/** The forms in which a secret shows up: itself, in a URL, in base64 as HTTP, git and web tokens have it. */
function forms(given: string): string[] {
  // A file of variables with Windows line ends, or a file read whole, leaves space around it, which programs drop.
  const value = given.trim()
  const base64 = base64Forms(value)
  const plain = [value, ...inUrl(value), ...base64, ...base64.map(forUrls)]
  // A value of several lines (a key file) is printed line by line.
  const lines = value.split(/\r?\n/).filter((line) => line.length >= 16)
  return [...plain, ...lines].filter((form) => form.length >= SHORTEST)
}

export interface Redactor {
  /** Masks secrets in plain text. */
  text(text: string): string
  /** Masks secrets in the strings of JSON, keys included; the result is still JSON, and its numbers are what they were. */
  jsonText(json: string): string
  /** The same for a value of plain data, in all of its texts. */
  json<T>(value: T): T
  /** Masks secrets in fragments of one stream, holding back an end that may be the beginning of a secret. */
  stream(): { push(fragment: string): string; end(): string }
}

/** @param secrets those that the session was given; values under 6 characters are not masked. */
export function makeRedactor(secrets: readonly Secret[]): Redactor {
  const names = new Map<string, string>()
  for (const { name, value } of secrets) {
    if (value.trim().length < SHORTEST) continue
    for (const form of forms(value)) {
      names.set(form, mask(name))
      names.set(inJson(form), mask(name))
      names.set(inJson(inJson(form)), mask(name))
    }
  }
  const known = [...names.keys()].toSorted((a, b) => b.length - a.length)
  if (known.length === 0) {
    return { text: same, jsonText: same, json: (value) => value, stream: () => ({ push: same, end: () => '' }) }
  }
  const pattern = new RegExp(known.map(escapeRegExp).join('|'), 'g')
  const text = (input: string): string => input.replace(pattern, (found) => names.get(found) ?? '')
  // Most secrets are no part of a number, and the whole text is gone through at once.
  const jsonText = known.some(isNumeric) ? (input: string) => inStrings(input, text) : text
  const json: Redactor['json'] = (value) => JSON.parse(jsonText(JSON.stringify(value)))
  return { text, jsonText, json, stream: () => makeStream(text, known) }
}

/** Changes what is between quotes. No pattern of a whole string: one of some MiB would overflow its stack. */
function inStrings(json: string, change: (text: string) => string): string {
  const parts: string[] = []
  let begin = 0
  let quoted = false
  for (const { 0: found, index } of json.matchAll(/\\.|"/g)) {
    if (found !== '"') continue
    const part = json.slice(begin, index)
    parts.push(quoted ? change(part) : part)
    begin = index
    quoted = !quoted
  }
  return [...parts, json.slice(begin)].join('')
}

/** How much of the end of `text` could be the beginning of a known form. */
function openEnd(text: string, known: readonly string[]): number {
  const longest = Math.min(text.length, Math.max(...known.map((form) => form.length)) - 1)
  for (let length = longest; length > 0; length -= 1) {
    const end = text.slice(text.length - length)
    if (known.some((form) => form.startsWith(end))) return length
  }
  return 0
}

function makeStream(redact: (text: string) => string, known: readonly string[]) {
  let held = ''
  return {
    push(fragment: string): string {
      const all = redact(held + fragment)
      const keep = openEnd(all, known)
      held = all.slice(all.length - keep)
      return all.slice(0, all.length - keep)
    },
    end(): string {
      const rest = redact(held)
      held = ''
      return rest
    },
  }
}
