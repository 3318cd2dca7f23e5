/** Finds messages by what is in them: a scan in slices, so that a long log holds neither the thread nor memory. */
import { setImmediate as otherWork } from 'node:timers/promises'
import type { Json } from '../base/json.ts'
import type { MessageType } from '../contract/messages.ts'
import type { LogEntry, LogReader } from './types.ts'

export interface LogQuery {
  readonly sessionId: string
  /** Looked for without regard to case, in any text of a message. */
  readonly text: string
  /** Only messages of these types. */
  readonly types?: readonly MessageType[] | undefined
  readonly after: number
  /** Most matches to give. */
  readonly limit: number
  readonly signal: AbortSignal
}

export interface LogMatches {
  readonly entries: readonly LogEntry[]
  /** Everything up to here was looked at. */
  readonly scannedTo: number
  /** Nothing follows. */
  readonly complete: boolean
}

/** Some milliseconds of work. */
const SLICE = { limit: 1000, maxBytes: 512 * 1024 }
/** What one call looks at; the caller goes on from there. */
const MOST_SCANNED = 100_000
/** Of a larger body only the preview is searched. */
const LARGEST_WHOLE = 1024 * 1024

/** @throws TroupeError LOG_DROPPED, LOG_ARCHIVE, or the reason of the signal */
export async function searchLog(reader: LogReader, query: LogQuery): Promise<LogMatches> {
  const { sessionId, after, limit, signal } = query
  const wanted = toWanted(query)
  const entries: LogEntry[] = []
  let scannedTo = after
  while (scannedTo < after + MOST_SCANNED) {
    signal.throwIfAborted()
    const slice = await reader.page({ sessionId, after: scannedTo, ...SLICE })
    if (slice.length === 0) return { entries, scannedTo, complete: true }
    for (const entry of slice) {
      scannedTo = entry.seq
      if (await isMatch(reader, wanted, entry)) entries.push(entry)
      if (entries.length >= limit) return { entries, scannedTo, complete: false }
    }
    await otherWork()
  }
  return { entries, scannedTo, complete: false }
}

interface Wanted {
  readonly sessionId: string
  readonly text: string
  /** As it stands in JSON. */
  readonly escaped: string
  readonly types: ReadonlySet<string> | undefined
}

function toWanted({ sessionId, text, types }: LogQuery): Wanted {
  const lower = text.toLowerCase()
  return { sessionId, text: lower, escaped: JSON.stringify(lower).slice(1, -1), types: types && new Set(types) }
}

const TYPE = '"type":"'

function isMatch(reader: LogReader, wanted: Wanted, { seq, json }: LogEntry): boolean | Promise<boolean> {
  const typeAt = json.indexOf(TYPE)
  const type = json.slice(typeAt + TYPE.length, json.indexOf('"', typeAt + TYPE.length))
  if (wanted.types && !wanted.types.has(type)) return false
  const fullBytes = /"fullBytes":(\d+)/.exec(json.slice(0, typeAt))?.[1]
  if (fullBytes === undefined || Number(fullBytes) > LARGEST_WHOLE) return holds(json, wanted)
  return isBodyMatch(reader, wanted, seq)
}

/** Each is some milliseconds of work, and a slice may have a thousand of them. */
async function isBodyMatch(reader: LogReader, wanted: Wanted, seq: number): Promise<boolean> {
  await otherWork()
  const body = await reader.body({ sessionId: wanted.sessionId, seq })
  return body !== undefined && holds(body, wanted)
}

/** Most messages are ruled out as text; the rest are parsed, because their text also has keys and escapes. */
const holds = (json: string, { text, escaped }: Wanted): boolean =>
  json.toLowerCase().includes(escaped) && hasText(withoutHead(JSON.parse(json)), text)

const withoutHead = ({ sessionId: _s, seq: _q, at: _a, type: _t, ...body }: Record<string, Json>): Json => body

function hasText(value: Json, text: string): boolean {
  if (typeof value === 'string') return value.toLowerCase().includes(text)
  if (typeof value !== 'object' || value === null) return false
  return Object.values(value).some((part: Json) => hasText(part, text))
}
