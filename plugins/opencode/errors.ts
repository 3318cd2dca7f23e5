/** What OpenCode names as the reason that a turn failed, as an end of the session. Pure. */
import { type JsonObject, asNumber, asObject, asString } from 'troupe/plugin'
import { SIGN_IN_HINT } from './detect.ts'
import type { ErrorEnd } from './state.ts'

/** OpenCode says only in words why it tries again. */
const QUOTA_WORDS = /rate.?limit|too many requests|quota|slow down|usage limit|429/i

export function toErrorEnd(error: JsonObject): ErrorEnd {
  const name = asString(error['name']) ?? 'unknown'
  const data = asObject(error['data']) ?? {}
  const text = asString(data['message']) ?? name
  if (name === 'ProviderAuthError') return notSignedIn(text)
  if (name !== 'APIError') return failed(text)
  const status = asNumber(data['statusCode'])
  if (status === 401 || status === 403) return notSignedIn(text)
  if (status === 429 || status === 402) return quotaEnd(text, asObject(data['responseHeaders']) ?? {})
  const retryable = data['isRetryable'] === true
  const next = retryable ? ' Try again in a while.' : ''
  return { kind: 'error', code: 'AGENT_API', message: `The model service failed: ${text}${next}`, retryable }
}

/** OpenCode tries again by itself: said, but not the end. */
export function toRetry(status: JsonObject): Pick<ErrorEnd, 'code' | 'message' | 'retryable' | 'resetsAt'> {
  const text = asString(status['message']) ?? 'no reason given'
  const next = toTime(asNumber(status['next']))
  // What it would have people do is given for used-up quotas alone.
  const quota = QUOTA_WORDS.test(text) || status['action'] !== undefined
  return {
    code: quota ? 'AGENT_QUOTA' : 'AGENT_API',
    message: `The model service failed, and OpenCode tries again${next === undefined ? '' : ` at ${next}`}: ${text}`,
    retryable: true,
    ...(quota && next !== undefined && { resetsAt: next }),
  }
}

function quotaEnd(text: string, headers: JsonObject): ErrorEnd {
  const seconds = Number(asString(headers['retry-after']))
  const answered = Date.parse(asString(headers['date']) ?? '')
  const resetsAt = seconds > 0 ? toTime(answered + seconds * 1000) : undefined
  const next = resetsAt === undefined ? '' : ` It is full again at ${resetsAt}.`
  const message = `The quota of OpenCode's model service is used up: ${text}${next}`
  return { kind: 'error', code: 'AGENT_QUOTA', message, retryable: true, ...(resetsAt !== undefined && { resetsAt }) }
}

function toTime(milliseconds = Number.NaN): string | undefined {
  const time = new Date(milliseconds)
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}

const notSignedIn = (reason: string): ErrorEnd => ({
  kind: 'error',
  code: 'AGENT_NOT_SIGNED_IN',
  message: `OpenCode has no credential that works (${reason}). ${SIGN_IN_HINT}`,
})

export function cannotOpen(status: number | undefined, reason: string): ErrorEnd {
  const next =
    status === 404
      ? 'It was held on another machine or was deleted. Start the task again as a new conversation.'
      : 'The log has the details.'
  return { kind: 'error', code: 'AGENT_FAILED', message: `OpenCode cannot open the conversation: ${reason}. ${next}` }
}

export const cannotSay = (reason: string): ErrorEnd => failed(`it does not take what was said (${reason})`)

const failed = (reason: string): ErrorEnd => ({
  kind: 'error',
  code: 'AGENT_FAILED',
  message: `OpenCode could not go on: ${reason}. The log has the details.`,
})
