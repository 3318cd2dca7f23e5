/** How a turn ended. Pure. Aider's exit code says nothing of it: its own record does, and its words say why. */
import { type Exit, type ProgramNames, type RunEnd, toExitError, toResetTime } from 'troupe/plugin'
import { SIGN_IN_HINT } from './detect.ts'
import type { Fault, ParseState } from './state.ts'

type ErrorEnd = Extract<RunEnd, { kind: 'error' }>

const NO_KEY = new Set(['AuthenticationError', 'PermissionDeniedError'])
const QUOTA = new Set(['RateLimitError', 'RouterRateLimitError', 'BudgetExceededError'])
/** Its library knows no status 402, and takes it for a bad request. */
const NO_CREDIT = /\bno credits?\b|insufficient (?:balance|credits?|funds|quota)|payment required/i
/** The service was reached, and asked again it would say the same. */
const REFUSED = new Set([
  'BadRequestError',
  'ContextWindowExceededError',
  'ContentPolicyViolationError',
  'ImageFetchError',
  'InvalidRequestError',
  'NotFoundError',
  'UnprocessableEntityError',
  'UnsupportedParamsError',
])

interface Ended {
  readonly exit: Exit
  /** Milliseconds since 1970. */
  readonly at: number
}

export function toEnd({ turn, usage }: ParseState, { exit, at }: Ended, names: ProgramNames): RunEnd {
  if (turn.missing) return lost
  if (turn.noModel && turn.replies === 0) return notSignedIn('no model was named, and there is no key to choose one by')
  if (turn.failure !== undefined) return failed(turn.failure)
  if (turn.asking) return turn.fault ? toErrorEnd(turn.fault, at) : failed('the model gave no reply')
  if (exit.code !== 0 || turn.replies === 0)
    return toExitError(names, exit, { anything: turn.heard, stderr: why(turn) })
  const summary = turn.reply !== undefined && { summary: turn.reply }
  return { kind: 'complete', success: !turn.gaveUp, usage, ...summary }
}

/** Aider says on its standard output why it does not begin. */
const why = ({ stderr, words = '' }: ParseState['turn']): string => (stderr === '' ? words : stderr)

function toErrorEnd({ name, text }: Fault, at: number): ErrorEnd {
  if (NO_KEY.has(name)) return notSignedIn(text)
  if (QUOTA.has(name) || NO_CREDIT.test(text)) {
    const resetsAt = toResetTime(text, at)
    return {
      kind: 'error',
      code: 'AGENT_QUOTA',
      message: `The quota of Aider's model service is used up: ${text}`,
      retryable: true,
      ...(resetsAt !== undefined && { resetsAt }),
    }
  }
  const retryable = !REFUSED.has(name)
  const next = retryable ? ' Try again in a while.' : ''
  return { kind: 'error', code: 'AGENT_API', message: `The model service failed: ${text}${next}`, retryable }
}

function notSignedIn(reason: string): ErrorEnd {
  return {
    kind: 'error',
    code: 'AGENT_NOT_SIGNED_IN',
    message: `Aider has no credential that works (${reason}). ${SIGN_IN_HINT}`,
  }
}

const failed = (reason: string): ErrorEnd => ({
  kind: 'error',
  code: 'AGENT_FAILED',
  message: `Aider could not go on: ${reason}. The log has the details.`,
})

const lost: ErrorEnd = {
  kind: 'error',
  code: 'AGENT_FAILED',
  message:
    'Aider cannot resume: there is no such conversation in ~/.aider/troupe. It was held on another machine or was deleted. Start the task again as a new conversation.',
}
