/** A client as people have it: it hears of the sessions of its task and reads their logs as they come. */
import { followLog, followTasks, type Client, type Message, type UnitTask } from '../../../core/rpc/client/index.ts'
import { within } from '../../../core/base/waiting.ts'
import { Channel } from '../../helpers/channel.ts'

const BOUND_MS = 60_000

export interface Following extends AsyncDisposable {
  /** The record as soon as it is so. */
  until(what: string, holds: (task: UnitTask) => boolean): Promise<UnitTask>
  /** The log of a session from its beginning. */
  read(sessionId: string): Reading
}

export interface Reading extends Disposable {
  /** The next message that is so; those before it are passed over. */
  next(holds: (message: Message) => boolean): Promise<Message>
}

export async function followTask(client: Client, id: string): Promise<Following> {
  const ended = new AbortController()
  const subscribed = Promise.withResolvers<void>()
  const waiting = new Set<(task: UnitTask) => void>()
  const changed = (_: string, task: UnitTask | undefined): void => waiting.forEach((look) => task && look(task))
  const over = followTasks(client, { id }, { subscribed: () => subscribed.resolve(), changed }, ended.signal).catch(
    (error: unknown) => subscribed.reject(error),
  )
  await subscribed.promise
  return {
    async until(what, holds) {
      const found = Promise.withResolvers<UnitTask>()
      const look = (task: UnitTask): void => void (holds(task) && found.resolve(task))
      waiting.add(look)
      look((await client.call('getUnitTask', { id })).task)
      return within(BOUND_MS, what, found.promise).finally(() => waiting.delete(look))
    },
    read: (sessionId) => readLog(client, sessionId),
    async [Symbol.asyncDispose]() {
      ended.abort()
      await over
    },
  }
}

function readLog(client: Client, sessionId: string): Reading {
  const unread = new Channel<Message>()
  const over = new AbortController()
  const take = (messages: readonly Message[]): void => messages.forEach((message) => unread.push(message))
  followLog(client, { sessionId }, take, over.signal)
    .catch(() => {})
    .finally(() => unread.close())
  const messages = unread[Symbol.asyncIterator]()
  const next: Reading['next'] = async (holds) => {
    for (let message = await messages.next(); !message.done; message = await messages.next()) {
      if (holds(message.value)) return message.value
    }
    throw new Error(`Session ${sessionId} ended without the message.`)
  }
  return {
    next: (holds) => within(BOUND_MS, 'The message', next(holds)),
    [Symbol.dispose]: () => over.abort(),
  }
}
