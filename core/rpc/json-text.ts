/** JSON from strangers: bounded in depth before it is parsed, and without `__proto__` keys. */
import { TroupeError } from '../base/errors.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/** `__proto__` as it is, or with an underscore written as an escape. */
const MAYBE_PROTO = /__proto__|\\u005f/i

/** @throws TroupeError PARSE_ERROR or LIMIT_DEPTH. */
export function parseJson(text: string, maxDepth: number): unknown {
  if (isDeeperThan(text, maxDepth)) {
    throw new TroupeError('LIMIT_DEPTH', `The JSON is nested deeper than ${maxDepth} levels; send flatter data.`)
  }
  try {
    return MAYBE_PROTO.test(text) ? JSON.parse(text, dropProto) : JSON.parse(text)
  } catch {
    throw new TroupeError('PARSE_ERROR', 'The request is not valid JSON; send one JSON-RPC 2.0 request or batch.')
  }
}

const dropProto = (key: string, value: unknown): unknown => (key === '__proto__' ? undefined : value)

/** Counts brackets outside strings; right for valid JSON, and for invalid JSON the parser has the last word. */
function isDeeperThan(text: string, maxDepth: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === QUOTE) at = endOfString(text, at)
    else if (char === OPEN_ARRAY || char === OPEN_OBJECT) depth++
    else if (char === CLOSE_ARRAY || char === CLOSE_OBJECT) depth--
    if (depth > maxDepth) return true
  }
  return false
}

/** Index of the quote that ends the string begun at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++
    if (escapes % 2 === 0) return at
  }
  return text.length
}
