/** What Codex names as the reason that a turn failed, as an end of the session. Pure. */
import { type Json, type JsonObject, type RunEnd, asNumber, asObject, asString, parseObject } from 'troupe/plugin'
import { SIGN_IN_HINT } from './detect.ts'

export type ErrorEnd = Extract<RunEnd, { kind: 'error' }>

interface Fault {
  /** Codex's own name, for example `usageLimitExceeded`. */
  readonly name: string
  readonly status: number | undefined
  readonly text: string
}

const QUOTA = new Set(['usageLimitExceeded', 'rateLimitExceeded', 'sessionBudgetExceeded'])
/** The service could not serve just now. */
const PASSING = new Set([
  'httpConnectionFailed',
  'responseStreamConnectionFailed',
  'responseStreamDisconnected',
  'responseTooManyFailedAttempts',
  'serverOverloaded',
  'internalServerError',
  'flexUnavailable',
])
/** It was served, and may or can not go on. */
const REFUSED = new Set(['contextWindowExceeded', 'cyberPolicy', 'misalignmentPolicyViolation', 'tooManyDenials'])
const NO_KEY = 'Missing environment variable'

/** @param quotaResetsAt When the used-up quota is full again, if Codex said so. */
export function toErrorEnd(error: JsonObject, quotaResetsAt: string | undefined): ErrorEnd {
  const fault = toFault(error)
  const { name, status, text } = fault
  if (name === 'unauthorized' || status === 401 || text.startsWith(NO_KEY)) return notSignedIn(text)
  if (QUOTA.has(name) || status === 429) return quotaEnd(fault, quotaResetsAt)
  if (REFUSED.has(name)) {
    return { kind: 'error', code: 'AGENT_FAILED', message: `Codex could not go on: ${text}` }
  }
  const retryable = isPassing(fault)
  const next = retryable ? ' Try again in a while.' : ''
  return { kind: 'error', code: 'AGENT_API', message: `The model service failed: ${text}${next}`, retryable }
}

/** Codex tries again by itself: said, but not the end. */
export function toRetry(error: JsonObject): Pick<ErrorEnd, 'code' | 'message'> {
  const { status, text } = toFault(error)
  const why = asString(error['additionalDetails'])
  const message = `The model service failed, and Codex tries again: ${text}${why === undefined ? '' : ` (${why})`}`
  return { code: status === 429 ? 'AGENT_QUOTA' : 'AGENT_API', message }
}

export function notSignedIn(reason: string): ErrorEnd {
  const message = `Codex has no credential that works (${reason}). ${SIGN_IN_HINT}`
  return { kind: 'error', code: 'AGENT_NOT_SIGNED_IN', message }
}

function quotaEnd({ name, text }: Fault, resetsAt: string | undefined): ErrorEnd {
  const next = resetsAt === undefined ? '' : ` It is full again at ${resetsAt}.`
  // A limit that does not say when it ends is one of the account's credit.
  const retryable = name !== 'usageLimitExceeded' || resetsAt !== undefined
  const resets = resetsAt !== undefined && { resetsAt }
  return {
    kind: 'error',
    code: 'AGENT_QUOTA',
    message: `Codex's quota is used up: ${text}${next}`,
    retryable,
    ...resets,
  }
}

const isPassing = ({ name, status, text }: Fault): boolean =>
  (PASSING.has(name) && (status === undefined || status >= 500)) || text.startsWith('stream disconnected')

/** Some errors are the service's answer as it came. */
function toFault(error: JsonObject): Fault {
  const text = asString(error['message']) ?? 'no reason given'
  const inner = asString(asObject(parseObject(text)?.['error'])?.['message'])
  return { ...toName(error['codexErrorInfo']), text: inner ?? text }
}

function toName(info: Json | undefined): Pick<Fault, 'name' | 'status'> {
  const [[name, detail] = []] = Object.entries(asObject(info) ?? {})
  const status = asNumber(asObject(detail)?.['httpStatusCode'])
  return { name: name ?? asString(info) ?? 'other', status }
}
