/** How a session ended: from what the plugin returned and why it was told to stop, if it was. Pure. */
import { type ErrorEnvelope, toEnvelope } from '../base/errors.ts'
import type { MessageBody, Usage } from '../contract/messages.ts'
import type { SessionOutcome } from '../contract/statuses.ts'
import type { RunEnd } from '../plugin/contract/agent.ts'

/** Why a session was told to stop. */
export type StopReason =
  | { readonly kind: 'asked' }
  /** A bound was reached; the session failed. */
  | { readonly kind: 'bound'; readonly error: ErrorEnvelope }
  /** The host goes away; the task is queued again. */
  | { readonly kind: 'host' }

/** How the work of a session ended. */
export type WorkEnd =
  | RunEnd
  /** Its processes are gone, and nobody knows how they ended; or its plugin cannot go on with them. */
  | { readonly kind: 'lost' }

export interface Ending {
  readonly outcome: SessionOutcome
  readonly error?: ErrorEnvelope
  readonly usage?: Usage | undefined
  /** Follow-ups that the plugin could not say to the agent. */
  readonly unheard?: readonly string[] | undefined
  /** The closing message of the log. */
  readonly message: MessageBody
}

const HOST_STOPPED: ErrorEnvelope = {
  code: 'ABORTED',
  message: 'The host was stopped while the agent worked. The task goes on when the host runs again.',
}

const LOST: ErrorEnvelope = {
  code: 'SESSION_LOST',
  message: 'The host ended while the agent worked, and the agent with it. The task goes on in a new session.',
}

const lost = (error: ErrorEnvelope): Ending => ({
  outcome: 'lost',
  error,
  message: { type: 'error', code: error.code, message: error.message, retryable: true },
})

const failed = (
  error: ErrorEnvelope,
  more: { retryable?: boolean | undefined; resetsAt?: string | undefined } = {},
): Ending => ({
  outcome: 'failed',
  error,
  message: { type: 'error', code: error.code, message: error.message, ...more },
})

function afterStop(reason: StopReason, durationMs: number): Ending {
  if (reason.kind === 'bound') return failed(reason.error)
  if (reason.kind === 'asked') {
    return { outcome: 'stopped', message: { type: 'complete', success: false, summary: 'Stopped.', durationMs } }
  }
  return lost(HOST_STOPPED)
}

function afterComplete(end: RunEnd & { kind: 'complete' }, heard: Usage | undefined, durationMs: number): Ending {
  const usage = end.usage ?? heard
  const message: MessageBody = {
    type: 'complete',
    success: end.success,
    summary: end.summary,
    usage,
    costUsd: usage?.costUsd,
    durationMs,
  }
  if (end.success) return { outcome: 'completed', usage, message }
  const error = {
    code: 'AGENT_FAILED' as const,
    message: end.summary ?? 'The agent says that it could not do the task.',
  }
  return { outcome: 'failed', error, usage, message }
}

export interface EndFacts {
  readonly stop: StopReason | undefined
  /** What the agent has said of its use, if the end does not say. */
  readonly usage: Usage | undefined
  readonly durationMs: number
}

export const toEnding = (end: WorkEnd, facts: EndFacts): Ending => ({
  ...withoutUnheard(end, facts),
  unheard: end.kind === 'lost' ? undefined : end.unheard,
})

function withoutUnheard(end: WorkEnd, { stop, usage, durationMs }: EndFacts): Ending {
  if (stop) return { ...afterStop(stop, durationMs), usage }
  if (end.kind === 'lost') return { ...lost(LOST), usage }
  if (end.kind === 'complete') return afterComplete(end, usage, durationMs)
  if (end.kind === 'error') {
    const { code, message, retryable, resetsAt } = end
    return { ...failed({ code, message }, { retryable, resetsAt }), usage }
  }
  return failed({
    code: 'PLUGIN_FAILED',
    message: 'The plugin stopped the session, though nobody had asked it to. Retry the task.',
  })
}

/** The end of a session that could not begin, or that Troupe itself broke off. */
export const toFailure = (error: unknown): Ending => failed(toEnvelope(error))
