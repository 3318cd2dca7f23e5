/** What an agent's own errors and reasons to stop mean. Pure. */
import {
  type JsonObject,
  type ProgramNames,
  type RunEnd,
  type Usage,
  asObject,
  asString,
  parseObject,
  toResetTime,
} from 'troupe/plugin'
import { AUTH_REQUIRED, type Failure } from './protocol.ts'

type ErrorEnd = Extract<RunEnd, { kind: 'error' }>

/** How sentences call the agent, and what they advise. */
export interface Speaker {
  readonly name: string
  readonly version?: string
  readonly signIn: string
}

/** ACP has a code of its own only for a missing credential; what else went wrong is said in words. */
const CREDENTIAL = /\b401\b|unauthori[sz]ed|authenticat|invalid (?:api )?key|api key (?:is )?(?:invalid|missing|not)/i
const QUOTA = /\b429\b|rate.?limit|quota|usage limit|hit your .*limit|credit balance|too many requests/i
const SERVICE = /\b5\d\d\b|overloaded|timed? ?out|fetch failed|econn|socket|network|connection|unavailable/i
const REFUSED = /\bapi error\b|apierror|\b4\d\d\b/i
/** Errors that stay, whatever code they come with. */
const LASTING = /not found|not supported/i

/** A prompt that ended in an error. @param now Milliseconds since 1970. */
export function toFailedTurn({ code, message, data }: Failure, { name, signIn }: Speaker, now: number): ErrorEnd {
  const words = wordsOf(message.replace(/^Internal error: /, ''))
  // Some agents take the status of their service for the code.
  const all = `${code} ${message} ${detailOf(data)}`
  if (code === AUTH_REQUIRED || CREDENTIAL.test(all)) return notSignedIn(words, { name, signIn })
  if (QUOTA.test(all)) return noQuota(name, words, now)
  const retryable = SERVICE.test(all) && !LASTING.test(all)
  if (retryable || REFUSED.test(all) || LASTING.test(all)) {
    const next = retryable ? ' Try again in a while.' : ''
    return {
      kind: 'error',
      code: 'AGENT_API',
      message: `The service behind ${name} failed: ${words}${next}`,
      retryable,
    }
  }
  return { kind: 'error', code: 'AGENT_FAILED', message: `${name} could not go on: ${words}. The log has the details.` }
}

/** Some agents pass on the whole answer of their service. */
const wordsOf = (message: string): string => asString(asObject(parseObject(message)?.['error'])?.['message']) ?? message

function noQuota(name: string, words: string, now: number): ErrorEnd {
  const resetsAt = toResetTime(words, now)
  return {
    kind: 'error',
    code: 'AGENT_QUOTA',
    message: `${name} has no quota left: ${words}`,
    retryable: true,
    ...(resetsAt !== undefined && { resetsAt }),
  }
}

/** Where some agents say more. */
function detailOf(data: Failure['data']): string {
  const fields = asObject(data) ?? {}
  return ['errorKind', 'errorName', 'details'].flatMap((key) => asString(fields[key]) ?? []).join(' ')
}

/** The session could not be begun, resumed or set up. */
export function toFailedSetup(method: string, failure: Failure, speaker: Speaker): ErrorEnd {
  const { name } = speaker
  if (failure.code === AUTH_REQUIRED) return notSignedIn(failure.message, speaker)
  const reason = `${failure.message}${detailOf(failure.data) && ` (${detailOf(failure.data)})`}`
  if (method === 'session/load' || method === 'session/resume') {
    const next = 'It was held on another machine or was deleted. Start the task again as a new conversation.'
    return {
      kind: 'error',
      code: 'AGENT_FAILED',
      message: `${name} cannot resume the conversation: ${reason}. ${next}`,
    }
  }
  if (method.startsWith('session/set_')) {
    const next = 'Choose a model and a permission mode that it offers.'
    return { kind: 'error', code: 'AGENT_SETTINGS', message: `${name} refused ${method}: ${reason}. ${next}` }
  }
  return { kind: 'error', code: 'AGENT_FAILED', message: `${name} could not begin (${method}): ${reason}.` }
}

export const otherProtocol = ({ name }: Speaker, { theirs, ours }: { theirs: string; ours: number }): ErrorEnd => ({
  kind: 'error',
  code: 'UNSUPPORTED',
  message: `${name} speaks version ${theirs} of ACP, and this Troupe version ${ours}. Install another version of one of them.`,
})

export const noResume = ({ name }: Speaker): ErrorEnd => ({
  kind: 'error',
  code: 'UNSUPPORTED',
  message: `${name} cannot resume a conversation. Start the task again as a new one.`,
})

/** @param seconds For how long the program was waited for. */
export const tooLate = ({ program, install }: ProgramNames, method: string, seconds: number): ErrorEnd => ({
  kind: 'error',
  code: 'AGENT_FAILED',
  message: `${program} did not answer ${method} within ${seconds} s. Is it an agent that speaks ACP on its standard input and output? ${install}`,
})

const notSignedIn = (words: string, { name, signIn }: Speaker): ErrorEnd => ({
  kind: 'error',
  code: 'AGENT_NOT_SIGNED_IN',
  message: `${name} has no credential that works (${words}). ${signIn}`,
})

export function toEnd(
  result: JsonObject,
  { name }: Speaker,
  { summary, usage }: { summary: string | undefined; usage: Usage | undefined },
): RunEnd {
  const reason = asString(result['stopReason']) ?? 'unknown'
  if (reason === 'end_turn') {
    return { kind: 'complete', success: true, ...(summary !== undefined && { summary }), ...(usage && { usage }) }
  }
  return { kind: 'error', code: 'AGENT_FAILED', message: REASONS.get(reason)?.(name) ?? otherReason(name, reason) }
}

const REASONS = new Map<string, (name: string) => string>([
  ['refusal', (name) => `The model behind ${name} refused. Its last words are in the log.`],
  ['max_tokens', (name) => `${name} stopped at the largest length of an answer. Ask for changes to let it go on.`],
  ['max_turn_requests', (name) => `${name} stopped at its limit of steps in a turn. Ask for changes to let it go on.`],
  ['cancelled', (name) => `${name} cancelled its turn, though nobody had asked it to. Retry the task.`],
])

const otherReason = (name: string, reason: string): string =>
  `${name} stopped for a reason that this version of Troupe does not know: ${reason}.`
