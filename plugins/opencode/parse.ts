/** One line of the bridge to messages and control events. Pure: what it remembers is passed in and out. */
import { type JsonObject, asNumber, asObject, asString, message, parseObject, raw } from 'troupe/plugin'
import { cannotOpen, cannotSay, toErrorEnd, toRetry } from './errors.ts'
import { parseDelta, parsePart } from './parts.ts'
import { OPEN, SAY } from './protocol.ts'
import { type Parsed, type ParseState, isOwn, only } from './state.ts'

type Parse = (state: ParseState, properties: JsonObject) => Parsed | undefined

/** A line that no parser places is kept as it is. */
export function parseLine(state: ParseState, text: string): Parsed {
  const line = parseObject(text)
  const event = asObject(line?.['event'])
  const parsed = event ? parseEvent(state, event) : line && parseAnswer(state, line)
  return parsed ?? only(state, ...raw(text))
}

/** Only the answers that the conversation depends on are of interest; a late reply to a question is refused by the server. */
function parseAnswer(state: ParseState, line: JsonObject): Parsed | undefined {
  const id = asString(line['id'])
  if (id === undefined) return undefined
  const status = asNumber(line['status'])
  const served = status !== undefined && status < 300
  const reason = reasonOf(line)
  if (id === OPEN)
    return served
      ? parseOpened(state, asObject(line['body']) ?? {})
      : only(state, { kind: 'failed', end: cannotOpen(status, reason) })
  if (id.startsWith(SAY) && !served) return only(state, { kind: 'failed', end: cannotSay(reason) })
  return only(state)
}

function reasonOf(line: JsonObject): string {
  const body = asObject(line['body'])
  const said = asString(asObject(body?.['data'])?.['message']) ?? asString(body?.['name']) ?? asString(line['error'])
  return said ?? `status ${asNumber(line['status']) ?? 'unknown'}`
}

function parseOpened(state: ParseState, session: JsonObject): Parsed {
  const sessionId = asString(session['id'])
  if (sessionId === undefined) return only(state, { kind: 'failed', end: cannotOpen(undefined, 'it named none') })
  const time = asObject(session['time'])
  const [created, updated] = [asNumber(time?.['created']) ?? 0, asNumber(time?.['updated']) ?? 0]
  const { agent, workDir, model } = state
  const version = asString(session['version'])
  const start = message({
    type: 'start',
    agent,
    workDir,
    agentSessionId: sessionId,
    ...(version !== undefined && { agentVersion: version }),
    ...(model !== undefined && { model }),
  })
  // One that was just made has no past.
  const since = updated > created ? updated : 0
  return only({ ...state, opened: { sessionId, since } }, start, { kind: 'opened' })
}

function parseEvent(state: ParseState, event: JsonObject): Parsed | undefined {
  const type = asString(event['type']) ?? ''
  if (QUIET.test(type)) return only(state)
  return EVENTS.get(type)?.(state, asObject(event['properties']) ?? {})
}

/** Of the server and its files, or told by other events too. */
const QUIET =
  /^(server\.connected|plugin\.added|catalog\.updated|reference\.updated|integration\.updated|installation\..*|session\.(created|updated|diff|compacted|deleted)|file\..*|lsp\..*|mcp\..*|vcs\..*|project\.updated|todo\.updated|command\.executed|message\.removed|message\.part\.removed)$/

const EVENTS = new Map<string, Parse>([
  ['message.updated', parseMessage],
  ['message.part.updated', parsePart],
  ['message.part.delta', parseDelta],
  ['session.status', parseStatus],
  ['session.idle', (state, properties) => (isOwn(state, properties) ? only(state, { kind: 'idle' }) : only(state))],
  ['session.error', parseError],
  ['permission.asked', (state, properties) => ask(state, 'permission', properties)],
  ['question.asked', (state, properties) => ask(state, 'question', properties)],
  ['permission.replied', withdraw],
  ['question.replied', withdraw],
  ['question.rejected', withdraw],
])

function parseMessage(state: ParseState, properties: JsonObject): Parsed | undefined {
  const info = asObject(properties['info'])
  const id = asString(info?.['id'])
  if (!info || id === undefined) return undefined
  return info['role'] === 'user' ? parseUserMessage(state, id, info) : parseReply(state, info)
}

/** One message may be told several times. */
function parseUserMessage(state: ParseState, id: string, info: JsonObject): Parsed {
  const created = asNumber(asObject(info['time'])?.['created']) ?? 0
  if (state.userMessages.includes(id)) return only(state)
  const known = { ...state, userMessages: [...state.userMessages, id] }
  if (!isOwn(state, info) || created <= (state.opened?.since ?? 0)) return only(known)
  const { error: _, ...rest } = known
  return only({ ...rest, last: { id, answered: false } }, { kind: 'heard' })
}

/** After a reply that used tools comes another, unless OpenCode is idle. */
function parseReply(state: ParseState, info: JsonObject): Parsed {
  const whole = asNumber(asObject(info['time'])?.['completed']) !== undefined
  if (!whole || !state.last || state.last.id !== info['parentID']) return only(state)
  return only({ ...state, last: { ...state.last, answered: true } })
}

function parseStatus(state: ParseState, properties: JsonObject): Parsed | undefined {
  const status = asObject(properties['status'])
  switch (status?.['type']) {
    case 'busy':
      return isOwn(state, properties) ? only(state, { kind: 'busy' }) : only(state)
    case 'idle':
      return only(state) // `session.idle` says the same.
    case 'retry':
      return only(state, message({ type: 'error', ...toRetry(status) }))
    default:
      return undefined
  }
}

/** Errors of subagents reach the agent as results of its tools. */
function parseError(state: ParseState, properties: JsonObject): Parsed | undefined {
  const error = asObject(properties['error'])
  if (!error) return undefined
  return isOwn(state, properties) ? only({ ...state, error: toErrorEnd(error) }) : only(state)
}

function ask(state: ParseState, kind: 'permission' | 'question', properties: JsonObject): Parsed | undefined {
  const id = asString(properties['id'])
  return id === undefined ? undefined : only(state, { kind: 'ask', request: { kind, id, properties } })
}

function withdraw(state: ParseState, properties: JsonObject): Parsed | undefined {
  const id = asString(properties['requestID'])
  return id === undefined ? undefined : only(state, { kind: 'withdraw', id })
}
