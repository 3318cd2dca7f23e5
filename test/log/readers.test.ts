/** Good and bad readers of one session, each on a WebSocket of its own to a real server. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { silentLogger } from '../../core/base/logger.ts'
import { sleep } from '../../core/base/waiting.ts'
import { catalogue } from '../../core/contract/catalogue.ts'
import { subscriptionHandlers } from '../../core/handlers/subscriptions.ts'
import { makeRouterOf } from '../../core/rpc/router.ts'
import { type HttpListener, listenHttp } from '../../core/rpc/server/listen-http.ts'
import { sqlite } from '../helpers/databases.ts'
import { numbers, text } from './collector.ts'
import { type Opened, openLog } from './opened-log.ts'

const TOKEN = 'token-of-the-readers-0123456789'
const MESSAGES = 3200
/** More than the sockets of the system hold for one reader. */
const FILLER = '.'.repeat(4500)
const BATCH = 40

interface Bench extends AsyncDisposable {
  readonly opened: Opened
  readonly listener: HttpListener
  readonly sessionId: string
}

async function openBench(): Promise<Bench> {
  await using opening = new AsyncDisposableStack()
  const opened = opening.use(await openLog(sqlite, { slowMs: 3000 }))
  const nothingChanges = { onChange: () => ({ [Symbol.dispose]() {} }) }
  const { subscribeExecutionLogs, unsubscribe } = catalogue
  const router = makeRouterOf(
    { subscribeExecutionLogs, unsubscribe },
    {
      handlers: subscriptionHandlers({ store: opened.store, log: opened.log, engine: nothingChanges }),
      logger: silentLogger,
    },
  )
  const listener = opening.use(await listenHttp({ router, port: 0, token: TOKEN }))
  const sessionId = await opened.addSessionId()
  const resources = opening.move()
  return { opened, listener, sessionId, [Symbol.asyncDispose]: () => resources.disposeAsync() }
}

interface Reader extends Disposable {
  readonly socket: WebSocket
  readonly raw: Socket
  readonly seqs: number[]
  readonly ends: { reason: string; resumeFrom: number }[]
  subscribe(after: number): void
}

async function openReader({ listener, sessionId }: Bench): Promise<Reader> {
  const raw = connect({ host: '127.0.0.1', port: listener.port })
  const socket = new WebSocket(`ws://127.0.0.1:${listener.port}/ws`, ['troupe.v1', `troupe.token.${TOKEN}`], {
    createConnection: () => raw,
  })
  const seqs: number[] = []
  const ends: Reader['ends'] = []
  socket.on('message', (data: Buffer) => {
    const { method, params } = JSON.parse(data.toString())
    if (method === 'executionLog') seqs.push(...params.messages.map(({ seq }: { seq: number }) => seq))
    if (method === 'subscriptionEnded') ends.push(params)
  })
  socket.on('error', () => {})
  await once(socket, 'open')
  return {
    socket,
    raw,
    seqs,
    ends,
    subscribe(after) {
      const params = { sessionId, after }
      socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'subscribeExecutionLogs', params }))
    },
    [Symbol.dispose]: () => socket.terminate(),
  }
}

async function appendAll({ opened, sessionId }: Bench): Promise<void> {
  for (let firstSeq = 1; firstSeq <= MESSAGES; firstSeq += BATCH) {
    const drafts = Array.from({ length: BATCH }, (_, index) => text(`${firstSeq + index} ${FILLER}`))
    await opened.log.append({ sessionId, firstSeq, at: Date.now(), drafts })
  }
}

/** Takes some, goes, and comes back for the rest, again and again. */
async function comeAndGo(bench: Bench, times: number): Promise<number[]> {
  const seqs: number[] = []
  for (let time = 1; seqs.length < MESSAGES; time += 1) {
    using reader = await openReader(bench)
    reader.subscribe(seqs.length)
    const enough = time < times ? 1 : MESSAGES - seqs.length
    await expect.poll(() => reader.seqs.length).toBeGreaterThanOrEqual(enough)
    // What comes late on a connection that was left is not taken: it comes again.
    seqs.push(...reader.seqs.slice(0, time < times ? Math.ceil(MESSAGES / times / 2) : MESSAGES))
  }
  return seqs
}

it('bad readers harm nobody: the others get every message once, in order, and they themselves go on where they were', async () => {
  await using bench = await openBench()
  const good = await Promise.all(Array.from({ length: 4 }, () => openReader(bench)))
  for (const reader of good) reader.subscribe(0)
  using stopped = await openReader(bench)
  stopped.subscribe(0)
  await sleep(10)
  stopped.raw.pause()
  using trickling = await openReader(bench)
  trickling.subscribe(0)
  trickling.raw.pause()
  const trickle = setInterval(() => trickling.raw.read(1), 100)
  const restless = comeAndGo(bench, 100)

  await appendAll(bench)

  for (const reader of good) {
    await expect.poll(() => reader.seqs.length).toBe(MESSAGES)
    expect(reader.seqs).toEqual(numbers(1, MESSAGES))
    reader[Symbol.dispose]()
  }
  expect(await restless).toEqual(numbers(1, MESSAGES))
  clearInterval(trickle)
  for (const reader of [stopped, trickling]) {
    expect(reader.seqs.length).toBeLessThan(MESSAGES)
    reader.raw.resume()
    const end = await expect
      .poll(() => reader.ends[0])
      .toMatchObject({ reason: 'slow' })
      .then(() => reader.ends[0])
    expect(reader.seqs.slice(0, end?.resumeFrom)).toEqual(numbers(1, end?.resumeFrom ?? 0))
    reader.seqs.length = end?.resumeFrom ?? 0
    reader.subscribe(end?.resumeFrom ?? 0)
    await expect.poll(() => reader.seqs.length).toBe(MESSAGES)
    expect(reader.seqs).toEqual(numbers(1, MESSAGES))
  }
})
