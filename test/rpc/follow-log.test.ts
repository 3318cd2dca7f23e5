/** A log followed through what connections do: end, come back, be slow. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../core/base/logger.ts'
import { catalogue } from '../../core/contract/catalogue.ts'
import type { Message } from '../../core/contract/messages.ts'
import { makeClient, type Client } from '../../core/rpc/client/client.ts'
import { connectWebSocket } from '../../core/rpc/client/connect-websocket.ts'
import { followLog, type LogCursor } from '../../core/rpc/client/follow-log.ts'
import type { Connection } from '../../core/rpc/handlers.ts'
import { makeRouterOf, type Router } from '../../core/rpc/router.ts'
import { listenHttp, type HttpListener } from '../../core/rpc/server/listen-http.ts'
import { TOKEN, transports } from './transports.ts'

const SESSION = 'session-1'

/** How one subscription is served: sends some messages, then says how it ends, or nothing. */
type Script = (log: {
  after: number
  readonly send: (from: number, to: number) => Promise<void>
  readonly end: (params: object) => Promise<void>
}) => Promise<void>

interface Scripted {
  readonly router: Router
  /** `after` of each subscription, and the ids that were unsubscribed. */
  readonly subscribed: number[]
  readonly unsubscribed: string[]
}

const textOf = (seq: number) =>
  JSON.stringify({ sessionId: SESSION, seq, at: '2026-01-01T00:00:00.000Z', type: 'text', content: `line ${seq}` })

/** A host whose log subscriptions follow one script after the other. */
function makeScripted(scripts: Script[]): Scripted {
  const subscribed: number[] = []
  const unsubscribed: string[] = []
  const { subscribeExecutionLogs, unsubscribe } = catalogue
  const router = makeRouterOf(
    { subscribeExecutionLogs, unsubscribe },
    {
      logger: silentLogger,
      handlers: {
        subscribeExecutionLogs: async ({ after }, { connection }) => {
          const subscriptionId = `s${subscribed.push(after)}`
          if (connection) void play(scripts.shift(), after, subscriptionId, connection)
          return { subscriptionId }
        },
        unsubscribe: async ({ subscriptionId }) => {
          unsubscribed.push(subscriptionId)
          return {}
        },
      },
    },
  )
  return { router, subscribed, unsubscribed }
}

async function play(script: Script | undefined, after: number, subscriptionId: string, connection: Connection) {
  const send = async (from: number, to: number) => {
    const messages = Array.from({ length: to - from + 1 }, (_, index) => textOf(from + index))
    await connection.notifyRaw(
      'executionLog',
      `{"subscriptionId":"${subscriptionId}","messages":[${messages.join(',')}]}`,
    )
  }
  const end = (params: object) =>
    connection.notifyRaw('subscriptionEnded', JSON.stringify({ subscriptionId, ...params }))
  await script?.({ after, send, end }).catch(() => {})
}

const seqs = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

let opened: AsyncDisposableStack
beforeEach(() => {
  opened = new AsyncDisposableStack()
})
afterEach(() => opened.disposeAsync())

async function follow(client: Client, heard: number[], cursor: Partial<LogCursor> = {}, signal?: AbortSignal) {
  const take = (messages: readonly Message[]) => void heard.push(...messages.map(({ seq }) => seq))
  return followLog(client, { sessionId: SESSION, ...cursor }, take, signal)
}

const listen = async (router: Router, port = 0): Promise<HttpListener> =>
  opened.use(await listenHttp({ router, port, token: TOKEN, limits: { closeMs: 50 } }))

const flood: Script = async ({ after, send, end }) => {
  for (let seq = after + 1; seq <= 3_000; seq++) await send(seq, seq)
  await end({ reason: 'ended' })
}

describe.each(transports.filter(({ notifies }) => notifies))('a log followed over $name', ({ open }) => {
  async function clientOf(scripted: Scripted): Promise<Client> {
    return makeClient(opened.use(await open(scripted.router)).connection)
  }

  it('gives every message after the cursor, and ends with the session', async () => {
    const scripted = makeScripted([
      async ({ after, send, end }) => {
        await send(after + 1, 10)
        await send(11, 20)
        await end({ reason: 'ended' })
      },
    ])
    const heard: number[] = []
    await expect(follow(await clientOf(scripted), heard, { after: 3 })).resolves.toEqual({ lastSeq: 20 })
    expect(heard).toEqual(seqs(4, 20))
  })

  it('goes on by itself after `slow`, without loss or repetition', async () => {
    const scripted = makeScripted([
      async ({ send, end }) => {
        await send(1, 5)
        await end({ reason: 'slow', resumeFrom: 5 })
      },
      async ({ send, end }) => {
        await send(4, 9)
        await end({ reason: 'ended' })
      },
    ])
    const heard: number[] = []
    await follow(await clientOf(scripted), heard)
    expect(heard).toEqual(seqs(1, 9))
    expect(scripted.subscribed).toEqual([0, 5])
  })

  it('rejects with the reason why the log failed', async () => {
    const error = { code: 'STORE_FAILED', message: 'The disk is full; make room.' }
    const scripted = makeScripted([async ({ end }) => end({ reason: 'failed', error })])
    await expect(follow(await clientOf(scripted), [])).rejects.toMatchObject(error)
  })

  it('unsubscribes and rejects when its signal aborts', async () => {
    const scripted = makeScripted([async ({ send }) => send(1, 2)])
    const controller = new AbortController()
    const heard: number[] = []
    const following = follow(await clientOf(scripted), heard, {}, controller.signal).catch((error: unknown) => error)
    await expect.poll(() => heard).toEqual([1, 2])
    controller.abort(new Error('enough'))
    expect(await following).toMatchObject({ message: 'enough' })
    await expect.poll(() => scripted.unsubscribed).toEqual(['s1'])
  })

  it('rejects when the connection ends for good', async () => {
    const scripted = makeScripted([async ({ send }) => send(1, 2)])
    const endpoint = opened.use(await open(scripted.router))
    const heard: number[] = []
    const following = follow(makeClient(endpoint.connection), heard).catch((error: unknown) => error)
    await expect.poll(() => heard).toEqual([1, 2])
    await endpoint.stopServing()
    expect(await following).toMatchObject({ code: 'HOST_UNREACHABLE' })
  })

  it('holds no more than a bounded queue for a reader that is slow, and reads the rest later', async () => {
    const scripted = makeScripted([flood, flood, flood, flood, flood])
    const client = await clientOf(scripted)
    const heard: number[] = []
    const slowFirst = Promise.withResolvers<void>()
    const following = followLog(client, { sessionId: SESSION }, async (messages) => {
      await slowFirst.promise
      heard.push(...messages.map(({ seq }) => seq))
    })
    let flooded = 0
    client.on('executionLog', () => flooded++)
    await expect.poll(() => flooded).toBeGreaterThan(2_000)
    slowFirst.resolve()
    await following
    expect(heard).toEqual(seqs(1, 3_000))
    expect(scripted.subscribed.length).toBeGreaterThan(1)
  })
})

describe('a connection that is lost', () => {
  it('comes back with its host, and the log goes on where it was', async () => {
    const scripted = makeScripted([
      async ({ send }) => send(1, 5),
      async ({ after, send, end }) => {
        await send(after + 1, 9)
        await end({ reason: 'ended' })
      },
    ])
    const first = await listen(scripted.router)
    const backoff = { firstMs: 5, maxMs: 20 }
    const connection = opened.use(await connectWebSocket(first.url, { token: TOKEN, backoff, retryForMs: 30_000 }))
    const heard: number[] = []
    const following = follow(makeClient(connection), heard)
    await expect.poll(() => heard).toEqual(seqs(1, 5))
    await first[Symbol.asyncDispose]()
    const early = connection.request('unsubscribe', { subscriptionId: 'made while it was lost' })
    await listen(scripted.router, first.port)
    await expect(following).resolves.toEqual({ lastSeq: 9 })
    expect(heard).toEqual(seqs(1, 9))
    await expect(early).resolves.toEqual({})
    expect(scripted.subscribed).toEqual([0, 5])
  })

  it('may be lost when a log is to be followed: it waits', async () => {
    const scripted = makeScripted([
      async ({ send, end }) => {
        await send(1, 3)
        await end({ reason: 'ended' })
      },
    ])
    const first = await listen(scripted.router)
    const backoff = { firstMs: 5, maxMs: 20 }
    const connection = opened.use(await connectWebSocket(first.url, { token: TOKEN, backoff, retryForMs: 30_000 }))
    await first[Symbol.asyncDispose]()
    const ask = () => connection.request('unsubscribe', { subscriptionId: 'x' }, { timeoutMs: 20 })
    await expect.poll(() => ask().catch((error: unknown) => error)).toMatchObject({ code: 'TIMEOUT' })
    const heard: number[] = []
    const following = follow(makeClient(connection), heard)
    await listen(scripted.router, first.port)
    await expect(following).resolves.toEqual({ lastSeq: 3 })
    expect(heard).toEqual([1, 2, 3])
  })

  it('is given up after its time, with an error that says so', async () => {
    const first = await listen(makeScripted([]).router)
    const connection = opened.use(
      await connectWebSocket(first.url, { token: TOKEN, backoff: { firstMs: 5, maxMs: 10 }, retryForMs: 100 }),
    )
    await first[Symbol.asyncDispose]()
    await expect(connection.request('unsubscribe', { subscriptionId: 'x' })).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
    })
    await expect.poll(() => connection.closed.aborted).toBe(true)
  })

  it('does not wait longer than a call may take', async () => {
    const first = await listen(makeScripted([]).router)
    const connection = opened.use(await connectWebSocket(first.url, { token: TOKEN }))
    await first[Symbol.asyncDispose]()
    const ask = () => connection.request('unsubscribe', { subscriptionId: 'x' }, { timeoutMs: 20 })
    await expect.poll(() => ask().catch((error: unknown) => error)).toMatchObject({ code: 'TIMEOUT' })
  })

  it('is no connection at all with a wrong token or without a host', async () => {
    const { url } = await listen(makeScripted([]).router)
    await expect(connectWebSocket(url, { token: 'wrong-token-0123456789' })).rejects.toMatchObject({
      code: 'HOST_UNREACHABLE',
    })
    await expect(connectWebSocket('http://127.0.0.1:1')).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  })
})
