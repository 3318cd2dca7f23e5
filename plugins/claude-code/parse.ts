/** One line of Claude Code's output to messages and control events. Pure: what it remembers is passed in and out. */
import { type JsonObject, asNumber, asObject, asObjects, asString, message, parseObject, raw } from 'troupe/plugin'
import { parseAssistant, parseUser } from './blocks.ts'
import { parseResult } from './result.ts'
import { type Fate, type Parsed, type ParseState, only } from './state.ts'

type Parse = (state: ParseState, line: JsonObject) => Parsed | undefined

/** A line that no parser places is kept as it is. */
export function parseLine(state: ParseState, text: string): Parsed {
  const line = parseObject(text)
  const type = line && asString(line['type'])
  const parsed = line && type !== undefined ? PARSERS.get(type)?.(state, line) : undefined
  return parsed ?? only(state, ...raw(text))
}

const PARSERS = new Map<string, Parse>([
  ['system', (state, line) => SYSTEM.get(asString(line['subtype']) ?? '')?.(state, line)],
  ['assistant', parseAssistant],
  ['user', parseUser],
  ['stream_event', parseStreamEvent],
  ['result', parseResult],
  ['control_request', parseControlRequest],
  ['control_cancel_request', parseCancel],
  ['control_response', (state) => only(state)],
  ['command_lifecycle', parseFate],
  ['rate_limit_event', parseRateLimit],
])

const SYSTEM = new Map<string, Parse>([
  ['init', parseInit],
  ['api_retry', parseRetry],
  ['status', (state) => only(state)],
  ['thinking_tokens', (state) => only(state)],
])

/** Comes at the beginning of every turn; only a conversation that is new to us is a start. */
function parseInit(state: ParseState, line: JsonObject): Parsed {
  const begin = { kind: 'turnBegin' } as const
  const agentSessionId = asString(line['session_id'])
  if (agentSessionId === undefined || agentSessionId === state.agentSessionId) return only(state, begin)
  const agentVersion = asString(line['claude_code_version'])
  const model = asString(line['model'])
  const start = {
    type: 'start' as const,
    agent: state.agent,
    agentSessionId,
    workDir: asString(line['cwd']) ?? state.workDir,
    ...(agentVersion !== undefined && { agentVersion }),
    ...(model !== undefined && { model }),
  }
  return only({ ...state, agentSessionId }, begin, message(start))
}

/** Claude Code tries again by itself: said, but not the end. */
function parseRetry(state: ParseState, line: JsonObject): Parsed {
  const status = asNumber(line['error_status'])
  const seconds = Math.ceil((asNumber(line['retry_delay_ms']) ?? 0) / 1000)
  const what = status === undefined ? 'could not be reached' : `answered with status ${status}`
  const attempt = `attempt ${asNumber(line['attempt']) ?? '?'} of ${asNumber(line['max_retries']) ?? '?'}`
  const text = `The model service ${what} (${asString(line['error']) ?? 'unknown'}). Claude Code tries again in ${seconds} s (${attempt}).`
  const code = status === 429 ? 'AGENT_QUOTA' : 'AGENT_API'
  return only(state, message({ type: 'error', message: text, code, retryable: true }))
}

/** Fragments of a subagent are not shown: they would run into those of the agent itself. */
function parseStreamEvent(state: ParseState, line: JsonObject): Parsed {
  const delta = asObject(asObject(line['event'])?.['delta'])
  if (!delta || asString(line['parent_tool_use_id']) !== undefined) return only(state)
  const text = asString(delta['text'])
  if (delta['type'] === 'text_delta' && text) return only(state, { kind: 'delta', type: 'text', content: text })
  const thinking = asString(delta['thinking'])
  if (delta['type'] === 'thinking_delta' && thinking) {
    return only(state, { kind: 'delta', type: 'thinking', content: thinking })
  }
  return only(state)
}

function parseControlRequest(state: ParseState, line: JsonObject): Parsed | undefined {
  const requestId = asString(line['request_id'])
  const request = asObject(line['request'])
  if (requestId === undefined || !request) return undefined
  const toolName = asString(request['tool_name'])
  if (request['subtype'] !== 'can_use_tool' || toolName === undefined) {
    const subtype = asString(request['subtype']) ?? 'unknown'
    const unsupported = { kind: 'unsupported' as const, requestId, subtype }
    return only(state, ...raw(JSON.stringify(line)), { kind: 'request', request: unsupported })
  }
  const reason = asString(request['decision_reason'])
  const suggestions = asObjects(request['permission_suggestions'])
  const asked = {
    kind: 'permission' as const,
    requestId,
    toolName,
    input: asObject(request['input']) ?? {},
    suggestions,
  }
  return only(state, { kind: 'request', request: { ...asked, ...(reason !== undefined && { reason }) } })
}

function parseCancel(state: ParseState, line: JsonObject): Parsed | undefined {
  const requestId = asString(line['request_id'])
  return requestId === undefined ? undefined : only(state, { kind: 'withdraw', requestId })
}

const FATES = new Map<string, Fate>([
  ['queued', 'queued'],
  ['started', 'started'],
  ['completed', 'completed'],
  ['cancelled', 'dropped'],
  ['discarded', 'dropped'],
  ['refused', 'dropped'],
])

function parseFate(state: ParseState, line: JsonObject): Parsed | undefined {
  const id = asString(line['command_uuid'])
  const fate = FATES.get(asString(line['state']) ?? '')
  return id === undefined || fate === undefined ? undefined : only(state, { kind: 'fate', id, fate })
}

/** A used-up quota is remembered, because the result that follows does not say when it is full again. */
function parseRateLimit(state: ParseState, line: JsonObject): Parsed {
  const info = asObject(line['rate_limit_info'])
  const seconds = asNumber(info?.['resetsAt'])
  const kept = raw(JSON.stringify(line))
  if (info?.['status'] !== 'rejected' || seconds === undefined) return only(state, ...kept)
  const resetsAt = new Date(seconds * 1000)
  if (Number.isNaN(resetsAt.getTime())) return only(state, ...kept)
  return only({ ...state, quotaResetsAt: resetsAt.toISOString() }, ...kept)
}
