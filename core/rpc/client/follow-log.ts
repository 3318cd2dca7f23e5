/** The log of a session, whole and in order, across slow readers and lost connections. */
import { fromEnvelope, TroupeError } from '../../base/errors.ts'
import { sleep } from '../../base/waiting.ts'
import type { Delta, Message } from '../../contract/messages.ts'
import type { Client } from './client.ts'
import type { CallOptions } from '../requester.ts'
import { RETRY_MS, retried } from './retried.ts'
import { subscription, type Subscribed, type SubscriptionEvent } from './subscription.ts'

export interface LogCursor {
  readonly sessionId: string
  /** Messages with a higher sequence number are given; default 0, which is all. */
  readonly after?: number
  /** Hears of live fragments, which come before their message and may be missed. */
  readonly onDelta?: (delta: Delta) => void
}

export interface LogEnd {
  /** Sequence number of the last message given. */
  readonly lastSeq: number
}

/**
 * Gives every message after the cursor once and in order (L4), until the session is over. The next messages come when
 * `onMessages` has settled.
 * @throws TroupeError as the host says why the log failed; HOST_UNREACHABLE when it does not come back; the signal's reason.
 */
export async function followLog(
  client: Client,
  cursor: LogCursor,
  onMessages: (messages: readonly Message[]) => void | Promise<void>,
  signal: AbortSignal = new AbortController().signal,
): Promise<LogEnd> {
  let lastSeq = cursor.after ?? 0

  const subscribe = (options: CallOptions<Subscribed>) => {
    const { sessionId, onDelta } = cursor
    const deltas = onDelta !== undefined
    return client.call('subscribeExecutionLogs', { sessionId, after: lastSeq, deltas }, options)
  }

  /** False when messages are missing before these: numbers have no gaps (L1). */
  async function take(messages: readonly Message[]): Promise<boolean> {
    const fresh = messages.filter(({ seq }) => seq > lastSeq)
    const [first, last] = [fresh.at(0), fresh.at(-1)]
    if (!first || !last) return true
    if (first.seq !== lastSeq + 1) return false
    lastSeq = last.seq
    await onMessages(fresh)
    return true
  }

  /** True when there is no more to come. */
  async function follow(): Promise<boolean> {
    for await (const event of subscription(client, subscribe, signal)) {
      if (event.name === 'executionDelta') cursor.onDelta?.(event.params.delta)
      if (event.name === 'executionLog' && !(await take(event.params.messages))) return false
      if (isEnd(event)) return true
    }
    return false
  }

  while (!(await retried(client, follow))) await sleep(RETRY_MS, signal)
  return { lastSeq }
}

/** False when the subscription must be asked for again. */
function isEnd(event: SubscriptionEvent): boolean {
  if (event.name !== 'subscriptionEnded') return false
  const { reason, error } = event.params
  if (reason !== 'failed') return reason === 'ended'
  throw error ? fromEnvelope(error) : new TroupeError('INTERNAL', 'The log cannot be read; see the log of the host.')
}
