/** Codex's answers to our requests. Pure. */
import { type JsonObject, asObject, asString, message } from 'troupe/plugin'
import type { ErrorEnd } from './errors.ts'
import { notSignedIn } from './errors.ts'
import { ACCOUNT, CLEAN, ECHO, GREET, OPEN, SAY } from './protocol.ts'
import { type Parsed, type ParseState, only } from './state.ts'

/** What was answered before a crash may be asked again after it; the first answer counts. */
export function parseAnswer(state: ParseState, id: string, line: JsonObject): Parsed | undefined {
  const result = asObject(line['result'])
  const failure = asString(asObject(line['error'])?.['message']) ?? 'no reason given'
  if (id === GREET) return parseGreeting(state, result)
  if (id === ACCOUNT) return parseAccount(state, result ?? {})
  if (id === OPEN) return state.opened ? only(state) : result ? parseOpened(state, result) : cannotOpen(state, failure)
  if (id === CLEAN) return only(state, { kind: 'cleaned' })
  if (id.startsWith(ECHO)) return only(state, { kind: 'echo', id: id.slice(ECHO.length) })
  if (!id.startsWith(SAY)) return result && only(state)
  const turnId = asString(asObject(result?.['turn'])?.['id'])
  const fate = turnId === undefined ? { reason: failure } : { turnId }
  return only(state, { kind: 'accepted', id: id.slice(SAY.length), ...fate })
}

/** A second greeting, after a crash, is refused: it was greeted. */
function parseGreeting(state: ParseState, result: JsonObject | undefined): Parsed {
  const agentVersion = /\/(\d+\.\d+\.\d+\S*)/.exec(asString(result?.['userAgent']) ?? '')?.[1]
  return only({ ...state, ...(agentVersion !== undefined && { agentVersion }) }, { kind: 'greeted' })
}

function parseAccount(state: ParseState, result: JsonObject): Parsed {
  const nobody = result['requiresOpenaiAuth'] === true && !asObject(result['account'])
  return only(state, nobody ? { kind: 'failed', end: notSignedIn('nobody is signed in') } : { kind: 'signedIn' })
}

function parseOpened(state: ParseState, result: JsonObject): Parsed | undefined {
  const threadId = asString(asObject(result['thread'])?.['id'])
  if (threadId === undefined) return cannotOpen(state, 'Codex named no conversation')
  const model = asString(result['model']) ?? ''
  const opened = { threadId, model, effort: result['reasoningEffort'] ?? null, sandbox: result['sandbox'] ?? null }
  const { agent, agentVersion } = state
  const start = message({
    type: 'start',
    agent,
    agentSessionId: threadId,
    workDir: asString(result['cwd']) ?? state.workDir,
    ...(agentVersion !== undefined && { agentVersion }),
    ...(model !== '' && { model }),
  })
  return only({ ...state, opened }, start, { kind: 'opened' })
}

function cannotOpen(state: ParseState, reason: string): Parsed {
  const lost = /no rollout found|invalid session id/.test(reason)
  const next = lost
    ? 'It was held on another machine or was deleted. Start the task again as a new conversation.'
    : 'The log has the details.'
  const text = `Codex cannot open the conversation: ${reason}. ${next}`
  const end: ErrorEnd = { kind: 'error', code: 'AGENT_FAILED', message: text }
  return only(state, { kind: 'failed', end })
}
