/** What is sent to a connection as it happens. */
import { fail, toEnvelope } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Delta } from '../contract/messages.ts'
import type { LogEntry, LogSubscriber } from '../log/types.ts'
import type { Piece } from '../rpc/channel.ts'
import type { CallContext, Connection, Handlers } from '../rpc/handlers.ts'
import { getTask } from '../store/tasks.ts'
import type { HandlerDeps } from './deps.ts'
import { findSession, findTask } from './find.ts'

/** What subscriptions need. */
export interface SubscriptionDeps extends Pick<HandlerDeps, 'store' | 'log'> {
  readonly engine: Pick<HandlerDeps['engine'], 'onChange'>
}

const connectionOf = ({ connection }: CallContext): Connection =>
  connection ?? fail('UNSUPPORTED', 'Subscriptions need a connection that stays: use the WebSocket at /ws.')

/** The peer is gone: its connection disposes all its subscriptions, so there is nobody to tell. */
const gone = () => {}

/** Shorter texts are copied for less than it costs to send them as a piece of their own. */
const WORTH_SHARING = 16 * 1024

/** The text of each page, made once for all who are sent it. */
const texts = new WeakMap<readonly LogEntry[], Piece>()

function textOf(entries: readonly LogEntry[]): Piece {
  const known = texts.get(entries)
  if (known !== undefined) return known
  const joined = entries.map(({ json }) => json).join(',')
  const text = joined.length < WORTH_SHARING ? joined : Buffer.from(joined)
  texts.set(entries, text)
  return text
}

const toNotification = (subscriptionId: string, entries: readonly LogEntry[]): Piece[] => [
  `{"subscriptionId":"${subscriptionId}","messages":[`,
  textOf(entries),
  ']}',
]

/** Fragments that wait for a peer that reads slowly; those that come meanwhile are left out: their message follows. */
const MOST_WAITING_DELTAS = 64

function makeSubscriber(connection: Connection, subscriptionId: string): LogSubscriber {
  let waiting = 0
  async function sendDelta(delta: Delta): Promise<void> {
    if (waiting >= MOST_WAITING_DELTAS) return
    waiting += 1
    try {
      await connection.notify('executionDelta', { subscriptionId, delta })
    } finally {
      waiting -= 1
    }
  }

  return {
    entries: (entries) => connection.notifyRaw('executionLog', ...toNotification(subscriptionId, entries)),
    delta: (delta) => void sendDelta(delta).catch(gone),
    ended({ reason, resumeFrom, error }) {
      connection.drop(subscriptionId)
      const cause = error === undefined ? {} : { error: toEnvelope(error) }
      connection.notify('subscriptionEnded', { subscriptionId, reason, resumeFrom, ...cause }).catch(gone)
    },
  }
}

/** Sends the record of each changed task; of changes that come faster than the peer reads, the last one counts. */
function watchTasks(
  deps: SubscriptionDeps,
  connection: Connection,
  watch: { subscriptionId: string; id?: string | undefined },
): Disposable {
  const changed = new Set<string>()
  let sending = false
  async function sendAll(): Promise<void> {
    sending = true
    try {
      for (const taskId of changed) {
        changed.delete(taskId)
        const task = await deps.store.read((tx) => getTask(tx, taskId))
        await connection.notify('taskChanged', { subscriptionId: watch.subscriptionId, taskId, task })
      }
    } finally {
      // In the same turn as the last look at `changed`, or a change in between would never be sent.
      sending = false
    }
  }
  /** A change that could not be told ends the subscription, so that the peer asks again. */
  function failWith(reason: unknown): void {
    const { subscriptionId } = watch
    if (!connection.drop(subscriptionId)) return
    connection.notify('subscriptionEnded', { subscriptionId, reason: 'failed', error: toEnvelope(reason) }).catch(gone)
  }

  return deps.engine.onChange(({ taskId }) => {
    if (watch.id !== undefined && watch.id !== taskId) return
    changed.add(taskId)
    if (!sending) void sendAll().catch(failWith)
  })
}

export function subscriptionHandlers(deps: SubscriptionDeps) {
  return {
    async subscribeExecutionLogs({ sessionId, after, deltas }, call) {
      const connection = connectionOf(call)
      await findSession(deps.store, sessionId)
      const subscriptionId = newId()
      const subscriber = makeSubscriber(connection, subscriptionId)
      connection.keep(subscriptionId, deps.log.subscribe({ sessionId, after, deltas }, subscriber))
      return { subscriptionId }
    },
    async subscribeTasks({ id }, call) {
      const connection = connectionOf(call)
      if (id !== undefined) await findTask(deps.store, id)
      const subscriptionId = newId()
      connection.keep(subscriptionId, watchTasks(deps, connection, { subscriptionId, id }))
      return { subscriptionId }
    },
    async unsubscribe({ subscriptionId }, call) {
      if (!connectionOf(call).drop(subscriptionId)) {
        fail('NOT_FOUND', `This connection has no subscription ${subscriptionId}; it may have ended by itself.`)
      }
      return {}
    },
  } satisfies Partial<Handlers>
}
