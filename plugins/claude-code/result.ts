/** The end of a turn: what it cost, and how it ended. Pure. */
import { type JsonObject, type RunEnd, type Usage, asArray, asNumber, asObject, asString, message } from 'troupe/plugin'
import { SIGN_IN_HINT } from './detect.ts'
import type { Parsed, ParseState } from './state.ts'
import { closeState } from './state.ts'

type ErrorEnd = Extract<RunEnd, { kind: 'error' }>

export function parseResult(before: ParseState, line: JsonObject): Parsed {
  const closed = closeState(before)
  const usage = addUsage(before.usage, line)
  const end = toRunEnd(line, { ...before, usage })
  const { apiError: _error, quotaResetsAt: _resets, ...state } = closed.state // Of this turn only.
  const events = [...closed.events, message({ type: 'usage', ...usage }), { kind: 'turnEnd' as const, end }]
  return { state: { ...state, usage }, events }
}

/**
 * A resumed conversation goes on counting from its past, so only what is new since the last result is added; subagents
 * and side requests are in it. Older versions have just the turn's own tokens.
 */
function addUsage(sum: Usage, line: JsonObject): Usage {
  const models = asObject(line['model_usage_since_last_result'])
  const parts = models
    ? Object.values(models).map((value) => modelUsage(asObject(value) ?? {}))
    : [turnUsage(asObject(line['usage']) ?? {})]
  return parts.reduce(plus, sum)
}

const modelUsage = (from: JsonObject): Usage => ({
  // Tokens written to the cache were read as input like others.
  inputTokens: (asNumber(from['inputTokens']) ?? 0) + (asNumber(from['cacheCreationInputTokens']) ?? 0),
  outputTokens: asNumber(from['outputTokens']) ?? 0,
  cacheReadTokens: asNumber(from['cacheReadInputTokens']) ?? 0,
  costUsd: asNumber(from['costUSD']) ?? 0,
})

const turnUsage = (from: JsonObject): Usage => ({
  inputTokens: (asNumber(from['input_tokens']) ?? 0) + (asNumber(from['cache_creation_input_tokens']) ?? 0),
  outputTokens: asNumber(from['output_tokens']) ?? 0,
  cacheReadTokens: asNumber(from['cache_read_input_tokens']) ?? 0,
})

const plus = (left: Usage, right: Usage): Usage => ({
  inputTokens: left.inputTokens + right.inputTokens,
  outputTokens: left.outputTokens + right.outputTokens,
  cacheReadTokens: (left.cacheReadTokens ?? 0) + (right.cacheReadTokens ?? 0),
  ...((left.costUsd ?? right.costUsd) !== undefined && {
    costUsd: dollars((left.costUsd ?? 0) + (right.costUsd ?? 0)),
  }),
})

/** Without the noise that adding binary fractions leaves. */
const dollars = (sum: number): number => Math.round(sum * 1e8) / 1e8

/** `is_error` decides: an error of the model service comes with the subtype `success`. */
function toRunEnd(line: JsonObject, state: ParseState): RunEnd {
  const text = asString(line['result'])
  if (line['is_error'] !== true) {
    return { kind: 'complete', success: true, usage: state.usage, ...(text !== undefined && { summary: text }) }
  }
  const subtype = asString(line['subtype'])
  if (subtype === 'success') return apiEnd(line, { ...state, text: text ?? 'no reason given' })
  const errors = asArray(line['errors']).flatMap((error) => asString(error) ?? [])
  return failed(subtype ?? 'unknown', errors.join('; ') || (subtype ?? 'no reason given'))
}

function apiEnd(line: JsonObject, context: ParseState & { text: string }): ErrorEnd {
  const status = asNumber(line['api_error_status'])
  const { apiError, text } = context
  if (line['stop_reason'] === 'refusal') {
    return { kind: 'error', code: 'AGENT_FAILED', message: `The model refused: ${text}` }
  }
  if (apiError === 'authentication_failed' || status === 401) {
    const reason = `Claude Code has no credential that works (${text}).`
    return { kind: 'error', code: 'AGENT_NOT_SIGNED_IN', message: `${reason} ${SIGN_IN_HINT}` }
  }
  if (apiError === 'rate_limit' || apiError === 'billing_error' || status === 429) return quotaEnd(context)
  // Without a status the service was not reached.
  const retryable = status === undefined ? apiError === 'server_error' : status >= 500
  const next = retryable ? ' Try again in a while.' : ''
  return { kind: 'error', code: 'AGENT_API', message: `The model service failed: ${text}${next}`, retryable }
}

function quotaEnd({ text, apiError, quotaResetsAt }: ParseState & { text: string }): ErrorEnd {
  const next = quotaResetsAt === undefined ? '' : ` It is full again at ${quotaResetsAt}.`
  const resets = quotaResetsAt !== undefined && { resetsAt: quotaResetsAt }
  const retryable = apiError !== 'billing_error'
  const reason = `Claude Code's quota is used up: ${text}.${next}`
  return { kind: 'error', code: 'AGENT_QUOTA', message: reason, retryable, ...resets }
}

function failed(subtype: string, reason: string): ErrorEnd {
  const end = { kind: 'error', code: 'AGENT_FAILED' } as const
  if (subtype === 'error_max_turns' || subtype === 'error_max_budget_usd') {
    const next = 'Raise the limit in `args` of [agents.claude-code], or ask for changes to let it go on.'
    return { ...end, message: `Claude Code stopped at a limit of its own: ${reason}. ${next}` }
  }
  if (reason.includes('No conversation found')) {
    const next = 'It was held on another machine or was deleted. Start the task again as a new conversation.'
    return { ...end, message: `Claude Code cannot resume: ${reason}. ${next}` }
  }
  return { ...end, message: `Claude Code could not go on: ${reason}. The log has the details.` }
}
