/**
 * The notifications of one subscription as a sequence. Owns their queue while the reader is busy.
 * S1 None is missed: the host sends the first after its answer (P2), and the listener is added before anything after the
 *    answer is delivered.
 * S2 The queue is bounded: a reader that falls `MAX_QUEUED` notifications behind gets `slow`, and must subscribe again.
 */
import { notifications, type NotificationName, type NotificationParams } from '../../contract/notifications.ts'
import { isObject } from '../envelope.ts'
import type { CallOptions } from '../requester.ts'
import type { Client } from './client.ts'

type NotificationEvent = {
  [Name in NotificationName]: { readonly name: Name; readonly params: NotificationParams<Name> }
}[NotificationName]

export type SubscriptionEvent =
  | NotificationEvent
  /** Always the first: what changes from here on is told. */
  | { readonly name: 'subscribed' }
  /** The connection was lost and is back, or this reader was too slow: subscribe again to go on. */
  | { readonly name: 'interrupted' }

const MAX_QUEUED = 1_000

export interface Subscribed {
  readonly subscriptionId: string
}

/**
 * Subscribes, then yields what comes, and unsubscribes when the loop is left. Ends after `subscriptionEnded` or `interrupted`.
 * @throws TroupeError as `subscribe` does, the signal's reason, or the reason why the connection ended for good.
 */
export async function* subscription(
  client: Client,
  subscribe: (options: CallOptions<Subscribed>) => Promise<Subscribed>,
  signal: AbortSignal,
): AsyncGenerator<SubscriptionEvent, void, void> {
  using queue = listen(client, signal)
  const { subscriptionId } = await subscribe({ signal, onResult: queue.begin }) // S1
  try {
    yield { name: 'subscribed' }
    for (;;) {
      const event = await queue.next()
      yield event
      if (event.name === 'subscriptionEnded' || event.name === 'interrupted') return
    }
  } finally {
    if (!queue.over()) client.call('unsubscribe', { subscriptionId }).catch(() => {})
  }
}

interface EventQueue extends Disposable {
  /** Takes the events of this subscription from here on. */
  readonly begin: (subscribed: Subscribed) => void
  /** Rejects with the reason of the signal or of the connection when there is nothing more to give. */
  readonly next: () => Promise<SubscriptionEvent>
  /** Whether the host has nothing to end any more. */
  readonly over: () => boolean
}

function listen({ connection }: Client, signal: AbortSignal): EventQueue {
  const events: SubscriptionEvent[] = []
  const bounds = AbortSignal.any([signal, connection.closed])
  let subscriptionId: string | undefined
  let wake: (() => void) | undefined
  let over = false
  let slow = false

  function push(event: SubscriptionEvent): void {
    if (slow || over) return
    slow = events.length >= MAX_QUEUED // S2
    events.push(slow ? { name: 'interrupted' } : event)
    wake?.()
  }

  function hear(name: string, params: unknown): void {
    const event = { name, params }
    if (!isEvent(event, subscriptionId)) return
    push(event)
    if (event.name === 'subscriptionEnded') over = true
  }

  /** A call that asks to subscribe and waited for the new connection is not the subscription that was lost. */
  function interrupt(): void {
    if (subscriptionId === undefined) return
    push({ name: 'interrupted' })
    over = true
  }

  async function next(): Promise<SubscriptionEvent> {
    for (;;) {
      const event = events.shift()
      if (event) return event
      bounds.throwIfAborted()
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }

  using cleanup = new DisposableStack()
  const onAbort = () => wake?.()
  bounds.addEventListener('abort', onAbort, { once: true })
  cleanup.defer(() => bounds.removeEventListener('abort', onAbort))
  cleanup.use(connection.onNotification(hear))
  cleanup.use(connection.onReconnect(interrupt))
  const owned = cleanup.move()
  return {
    begin: (subscribed) => void (subscriptionId = subscribed.subscriptionId),
    next,
    over: () => over || connection.closed.aborted,
    [Symbol.dispose]: () => owned.dispose(),
  }
}

/** Notifications are trusted to be what the contract says, as results are. */
const isEvent = (
  event: { name: string; params: unknown },
  subscriptionId: string | undefined,
): event is NotificationEvent =>
  Object.hasOwn(notifications, event.name) &&
  subscriptionId !== undefined &&
  isObject(event.params) &&
  event.params['subscriptionId'] === subscriptionId
