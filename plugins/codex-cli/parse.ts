/** One line of Codex's output to messages and control events. Pure: what it remembers is passed in and out. */
import {
  type JsonObject,
  type RunEnd,
  type Usage,
  asNumber,
  asObject,
  asObjects,
  asString,
  message,
  parseObject,
  raw,
} from 'troupe/plugin'
import { toErrorEnd, toRetry } from './errors.ts'
import { parseCompleted, parseStarted } from './items.ts'
import { isQuiet } from './notifications.ts'
import { parseAnswer } from './answers.ts'
import { toAsks } from './question.ts'
import type { RequestId } from './protocol.ts'
import { type Parsed, type ParsedEvent, type ParseState, only } from './state.ts'
import { count, toUsage } from './usage.ts'

type Parse = (state: ParseState, params: JsonObject) => Parsed | undefined

/** A line that no parser places is kept as it is. */
export function parseLine(state: ParseState, text: string): Parsed {
  const line = parseObject(text)
  const parsed = line && parseObjectLine(state, line, text)
  return parsed ?? only(state, ...raw(text))
}

/** A request and an answer have an id; a request and a notification have a method. */
function parseObjectLine(state: ParseState, line: JsonObject, text: string): Parsed | undefined {
  const id = toRequestId(line['id'])
  const method = asString(line['method'])
  if (method === undefined) return typeof id === 'string' ? parseAnswer(state, id, line) : undefined
  const params = asObject(line['params']) ?? {}
  if (id === undefined) return isQuiet(method) ? only(state) : NOTIFICATIONS.get(method)?.(state, params)
  const subject = state.openTools.find(({ toolUseId }) => toolUseId === params['itemId'])?.subject ?? ''
  const request = { kind: 'request', id, method, params, subject } as const
  // It is refused, and what it was is kept.
  return only(state, ...(toAsks(request) ? [] : raw(text)), { kind: 'ask', request })
}

const toRequestId = (id: unknown): RequestId | undefined =>
  typeof id === 'string' || typeof id === 'number' ? id : undefined

/** Subagents have conversations of their own. */
const isOwn = (state: ParseState, params: JsonObject): boolean => params['threadId'] === state.opened?.threadId

const NOTIFICATIONS = new Map<string, Parse>([
  ['turn/started', parseTurnStarted],
  ['turn/completed', parseTurnCompleted],
  ['item/started', (state, params) => parseStarted(state, asObject(params['item']) ?? {})],
  ['item/completed', (state, params) => parseCompleted(state, asObject(params['item']) ?? {}, isOwn(state, params))],
  ['item/agentMessage/delta', (state, params) => parseDelta(state, params, 'text')],
  ['item/plan/delta', (state, params) => parseDelta(state, params, 'text')],
  ['item/reasoning/summaryTextDelta', (state, params) => parseDelta(state, params, 'thinking')],
  ['item/reasoning/textDelta', (state, params) => parseDelta(state, params, 'thinking')],
  ['thread/tokenUsage/updated', parseTokens],
  ['account/rateLimits/updated', parseRateLimits],
  ['serverRequest/resolved', parseResolved],
  ['error', parseError],
])

function parseTurnStarted(state: ParseState, params: JsonObject): Parsed | undefined {
  const turnId = asString(asObject(params['turn'])?.['id'])
  if (turnId === undefined) return undefined
  if (!isOwn(state, params)) return only(state)
  const { lastText: _, plan: __, ...rest } = state
  return only({ ...rest, begun: true }, { kind: 'turnBegin', turnId })
}

function parseTurnCompleted(state: ParseState, params: JsonObject): Parsed | undefined {
  const turn = asObject(params['turn'])
  const turnId = asString(turn?.['id'])
  if (turnId === undefined) return undefined
  if (!isOwn(state, params)) return only(state)
  const usage = toUsage(state.counts)
  const end = toEnd(state, turn ?? {}, usage)
  return only(state, message({ type: 'usage', ...usage }), ...askPlan(state, end), { kind: 'turnEnd', turnId, end })
}

function toEnd(state: ParseState, turn: JsonObject, usage: Usage): RunEnd {
  const status = asString(turn['status']) ?? 'unknown'
  const error = asObject(turn['error'])
  if (error) return toErrorEnd(error, state.quotaResetsAt)
  if (status !== 'completed') return { kind: 'error', code: 'AGENT_FAILED', message: `The turn of Codex is ${status}.` }
  const summary = state.lastText !== undefined && { summary: state.lastText }
  return { kind: 'complete', success: true, usage, ...summary }
}

function askPlan({ plan }: ParseState, end: RunEnd): ParsedEvent[] {
  if (!plan || end.kind !== 'complete') return []
  return [{ kind: 'ask', request: { kind: 'plan', id: plan.id, question: plan.text, options: [] } }]
}

/** Fragments of a subagent are not shown: they would run into those of the agent itself. */
function parseDelta(state: ParseState, params: JsonObject, type: 'text' | 'thinking'): Parsed {
  const content = asString(params['delta'])
  return content && isOwn(state, params) ? only(state, { kind: 'delta', type, content }) : only(state)
}

function parseTokens(state: ParseState, params: JsonObject): Parsed | undefined {
  if (!asObject(asObject(params['tokenUsage'])?.['total'])) return undefined
  return only({ ...state, counts: count(state.counts, params, state.begun !== true) })
}

/** Tells only what has changed; a window that is full says when it is not any more. */
function parseRateLimits(state: ParseState, params: JsonObject): Parsed {
  const limits = asObject(params['rateLimits'])
  const windows = asObjects([limits?.['primary'] ?? null, limits?.['secondary'] ?? null])
  if (windows.length === 0) return only(state)
  const ends = windows
    .filter((window) => (asNumber(window['usedPercent']) ?? 0) >= 100)
    .flatMap((window) => asNumber(window['resetsAt']) ?? [])
  const { quotaResetsAt: _, ...rest } = state
  const resetsAt = toTime(Math.max(...ends))
  return only({ ...rest, ...(resetsAt !== undefined && { quotaResetsAt: resetsAt }) })
}

function toTime(seconds: number): string | undefined {
  const time = new Date(seconds * 1000)
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}

function parseResolved(state: ParseState, params: JsonObject): Parsed | undefined {
  const id = toRequestId(params['requestId'])
  return id === undefined ? undefined : only(state, { kind: 'withdraw', id })
}

/** The last error of a turn is in its end; those of subagents are only here. */
function parseError(state: ParseState, params: JsonObject): Parsed | undefined {
  const error = asObject(params['error'])
  if (!error) return undefined
  if (params['willRetry'] === true) {
    return only(state, message({ type: 'error', ...toRetry(error), retryable: true }))
  }
  if (isOwn(state, params)) return only(state)
  const { code, message: text } = toErrorEnd(error, undefined)
  return only(state, message({ type: 'error', code, message: `A subagent failed: ${text}`, retryable: true }))
}
