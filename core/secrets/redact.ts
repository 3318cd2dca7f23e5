/** Masks the values of secrets in whatever leaves the machine that knows them (L7). Pure. */
import { CUT_END, CUT_MARK } from '../base/cut.ts'

export interface Secret {
  readonly name: string
  readonly value: string
}

/** Shorter values occur by accident everywhere; masking them would only garble the log. */
const SHORTEST = 6

const mask = (name: string): string => `[secret ${name}]`
const escapeRegExp = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
/** Numbers, literals and what JSON has between them. */
const mayBeOutside = (text: string): boolean => /^[-+.\deE,:[\]{}truefalsn]+$/.test(text)
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
  return [...plain, ...lines]
}

export interface Redactor {
  /** The names of those that are not masked, or not in their plain form: too short, or a word that everybody knows. */
  readonly unmasked: readonly string[]
  /** Masks secrets in plain text, and the beginning of one that a length limit cut. */
  text(text: string): string
  /** Masks secrets in the strings of JSON, keys included; the result is still JSON, and its numbers are what they were. */
  jsonText(json: string): string
  /** The same for a value of plain data, in all of its texts. */
  json<T>(value: T): T
  /** Masks secrets in fragments of one stream, holding back an end that may be the beginning of a secret. */
  stream(): { push(fragment: string): string; end(): string }
}

/**
 * @param secrets those that the session was given; values under 6 characters are not masked.
 * @param isOwnWord whether a text is one of the words that the JSON is made of, or a part of one: none of these is masked.
 */
export function makeRedactor(secrets: readonly Secret[], isOwnWord: (text: string) => boolean = () => false): Redactor {
  const isKnown = (form: string) => form.length >= SHORTEST && !isOwnWord(form)
  const masks = new Map<string, string>()
  for (const { name, value } of secrets) {
    for (const form of forms(value).filter(isKnown)) {
      for (const written of [form, inJson(form), inJson(inJson(form))]) masks.set(written, mask(name))
    }
  }
  const unmasked = secrets.filter(({ value }) => value.trim() !== '' && !isKnown(value.trim())).map(({ name }) => name)
  if (masks.size === 0) {
    return {
      unmasked,
      text: same,
      jsonText: same,
      json: (value) => value,
      stream: () => ({ push: same, end: () => '' }),
    }
  }
  const known = [...masks.keys()].toSorted((a, b) => b.length - a.length)
  const text = makeMasking(known, masks)
  const jsonText = makeJsonMasking(known, masks)
  const json: Redactor['json'] = (value) => JSON.parse(jsonText(JSON.stringify(value)))
  return { unmasked, text, jsonText, json, stream: () => makeStream(text, known) }
}

type Masks = ReadonlyMap<string, string>
type Masking = (text: string) => string

/** @param isWhole whether what was found at a place of a text is that, and not a part of something else. */
function makeMasking(
  known: readonly string[],
  masks: Masks,
  isWhole = (_text: string, _index: number) => true,
): Masking {
  // The mark is looked for in the same go: it is in few texts.
  const pattern = new RegExp([...known, CUT_END].map(escapeRegExp).join('|'), 'g')
  const maskBeginnings = makeBeginningMasking(known, masks, isWhole)
  return (text) => {
    let cut = false
    const maskFound = (found: string, index: number): string => {
      cut ||= found === CUT_END
      return isWhole(text, index) ? (masks.get(found) ?? found) : found
    }
    const masked = text.replace(pattern, maskFound)
    return cut ? maskBeginnings(text).replace(pattern, maskFound) : masked
  }
}

/** A form that is no text of a JSON string stands in no string; one without letters may stand between strings too. */
function makeJsonMasking(known: readonly string[], masks: Masks): Masking {
  const inStrings = known.filter(isInString)
  const change = makeMasking(inStrings, masks, (text, index) => !isInEscape(text, index))
  return inStrings.some(mayBeOutside) ? (json) => changeStrings(json, change) : change
}

/** What was cut off cannot be found any more; what stands before the mark of a cut may be the beginning of a secret. */
function makeBeginningMasking(known: readonly string[], masks: Masks, isWhole: typeof isInEscape): Masking {
  const longest = Math.max(...known.map((form) => form.length))
  // At each place, also within one that was found.
  const heads = new RegExp(`(?=${known.map((form) => escapeRegExp(form.slice(0, SHORTEST))).join('|')})`, 'g')
  const maskEnd = (text: string): string => {
    for (const { index } of text.slice(-longest).matchAll(heads)) {
      const at = Math.max(0, text.length - longest) + index
      const end = text.slice(at)
      const form = known.find((whole) => whole.startsWith(end))
      if (form !== undefined && isWhole(text, at)) return text.slice(0, at) + (masks.get(form) ?? '')
    }
    return text
  }
  return (text) => {
    const parts = text.split(CUT_MARK)
    return parts.map((part, index) => (index % 2 === 0 && index < parts.length - 1 ? maskEnd(part) : part)).join('')
  }
}

const isInString = (form: string): boolean => {
  try {
    return typeof JSON.parse(`"${form}"`) === 'string'
  } catch {
    return false
  }
}

/** Whether the character at `index` belongs to an escape that begins before it. */
function isInEscape(json: string, index: number): boolean {
  const backslash = json.lastIndexOf('\\', index - 1)
  if (index === 0 || backslash < Math.max(0, index - 5)) return false
  let first = backslash
  while (json[first - 1] === '\\') first -= 1
  const isEscape = (backslash - first) % 2 === 0
  return isEscape && (index === backslash + 1 || json[backslash + 1] === 'u')
}

/** Changes what is between quotes. No pattern of a whole string: one of some MiB would overflow its stack. */
function changeStrings(json: string, change: Masking): string {
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
