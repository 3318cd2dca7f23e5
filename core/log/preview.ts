/** What the log shows of a body that is too large for it (L5). */

/** Bodies over this many bytes are stored aside. */
export const LARGEST_BODY = 64 * 1024
/** What a preview keeps of a string, in bytes. */
const LONGEST_STRING = 4 * 1024
const DEEPEST = 64

export interface Sized {
  /** The body, or its preview. */
  readonly body: string
  /** Size of the whole body in bytes, when `body` is a preview. */
  readonly fullBytes?: number
}

/** Gives a body as the log keeps it; it must be a JSON object. */
export function toLogBody(json: string): Sized {
  // UTF-8 needs at most three bytes for a unit of UTF-16: most bodies need not be measured.
  if (json.length * 3 <= LARGEST_BODY) return { body: json }
  const fullBytes = Buffer.byteLength(json)
  return fullBytes <= LARGEST_BODY ? { body: json } : { body: previewOf(JSON.parse(json)), fullBytes }
}

function previewOf(body: unknown): string {
  const shortened = JSON.stringify(shortenStrings(body, 0))
  if (!isContainer(body) || Buffer.byteLength(shortened) <= LARGEST_BODY) return shortened
  const fields = Object.entries(body).map(([name, value]) => [
    name,
    isContainer(value) ? toText(value) : shortenStrings(value, 0),
  ])
  return JSON.stringify(Object.fromEntries(fields))
}

function shortenStrings(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return cut(value)
  if (!isContainer(value)) return value
  if (depth >= DEEPEST) return toText(value)
  if (Array.isArray(value)) return value.map((item) => shortenStrings(item, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shortenStrings(item, depth + 1)]))
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null

const toText = (value: object): string => cut(JSON.stringify(value))

/** Cuts between code points. */
function cut(text: string): string {
  if (text.length * 3 <= LONGEST_STRING) return text
  const bytes = Buffer.from(text)
  if (bytes.length <= LONGEST_STRING) return text
  let end = LONGEST_STRING
  // A byte that continues a code point begins with the bits 10.
  while (((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end -= 1
  return bytes.toString('utf8', 0, end)
}
