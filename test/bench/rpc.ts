/** What a call costs over each transport, as a ratio to a bare echo over the same transport in the same run. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, createServer, request as httpRequest, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket, WebSocketServer } from 'ws'
import { z } from 'zod'
import { silentLogger } from '../../core/base/logger.ts'
import { method } from '../../core/contract/method.ts'
import { connectUnixHttp, connectUnixWebSocket } from '../../core/rpc/client-node/unix.ts'
import { connectHttp } from '../../core/rpc/client/connect-http.ts'
import { connectPort } from '../../core/rpc/client/connect-port.ts'
import { connectWebSocket } from '../../core/rpc/client/connect-websocket.ts'
import type { ClientConnection } from '../../core/rpc/client/connection.ts'
import { makeRouterOf } from '../../core/rpc/router.ts'
import { servePort } from '../../core/rpc/serve-port.ts'
import { listenHttp } from '../../core/rpc/server/listen-http.ts'
import type { Row } from './runner/row.ts'
import { median } from './runner/statistics.ts'

const ROUNDS = 10
const CALLS = 300
const TOKEN = 'token-of-the-benchmark'
const VALUE = 'x'.repeat(200)
/** As long as our own requests and answers are. */
const BARE = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'echo', params: { value: VALUE } })

const HOW = `p50 of ${ROUNDS} x ${CALLS} calls with 200 characters each way, in turns with a bare echo over the same transport`

type Call = () => Promise<unknown>

/** Each pair takes turns, so that noise of the machine meets both. */
export async function benchRpc(): Promise<Row[]> {
  await using opened = new AsyncDisposableStack()
  const bare = await openBare(opened)
  const ours = await openOurs(opened)
  const rows: Row[] = []
  for (const [transport, call] of Object.entries(ours)) {
    const baseline = bare[transport.split(', ')[0] ?? '']
    if (baseline)
      rows.push({ name: `call over ${transport}`, unit: 'us', ...(await compareCalls(call, baseline)), how: HOW })
  }
  return rows
}

async function compareCalls(call: Call, baseline: Call): Promise<{ value: number; baseline: number }> {
  const [own, bare]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    await time(baseline, round === 0 ? [] : bare)
    await time(call, round === 0 ? [] : own)
  }
  return { value: median(own), baseline: median(bare) }
}

async function time(call: Call, into: number[]): Promise<void> {
  for (let index = 0; index < CALLS; index++) {
    const start = performance.now()
    await call()
    into.push((performance.now() - start) * 1_000)
  }
}

async function openOurs(opened: AsyncDisposableStack): Promise<Record<string, Call>> {
  const value = z.object({ value: z.string() })
  const echo = method({
    params: value,
    result: value,
    errors: [],
    access: 'viewer',
    doc: 'Gives back what it was given.',
  })
  const router = makeRouterOf({ echo }, { logger: silentLogger, handlers: { echo: async (params) => params } })
  const folder = await temporaryFolder(opened)
  const socketPath = join(folder, 's')
  const { url } = opened.use(await listenHttp({ router, port: 0, token: TOKEN, socketPath, limits: { closeMs: 100 } }))
  const { port1, port2 } = new MessageChannel()
  const peer = servePort(router, port1)
  opened.defer(() => peer.close())
  const callOver = (connection: ClientConnection): Call => {
    opened.use(connection)
    return () => connection.request('echo', { value: VALUE })
  }
  return {
    MessagePort: callOver(await connectPort(port2)),
    'HTTP, by fetch': callOver(connectHttp(url, { token: TOKEN })),
    'HTTP, on a unix socket': callOver(connectUnixHttp(socketPath)),
    'WebSocket, of Node': callOver(await connectWebSocket(url, { token: TOKEN })),
    'WebSocket, on a unix socket': callOver(await connectUnixWebSocket(socketPath)),
  }
}

/** The least code that gives a text back over each transport. */
async function openBare(opened: AsyncDisposableStack): Promise<Record<string, Call>> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk)).on('end', () => response.end(Buffer.concat(chunks)))
  })
  const sockets = new WebSocketServer({ server, perMessageDeflate: false })
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data, { binary: false })))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  opened.defer(() => closeBare(server, sockets))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return { MessagePort: barePort(opened), HTTP: bareHttp(port, opened), WebSocket: await bareSocket(port, opened) }
}

function closeBare(server: Server, sockets: WebSocketServer): void {
  for (const socket of sockets.clients) socket.terminate()
  server.closeAllConnections()
  server.close()
}

function barePort(opened: AsyncDisposableStack): Call {
  const { port1, port2 } = new MessageChannel()
  opened.defer(() => port1.close())
  port1.addEventListener('message', ({ data }) => port1.postMessage(data))
  port1.start()
  port2.start()
  return () => {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    port2.addEventListener('message', resolve, { once: true })
    port2.postMessage(BARE)
    return promise
  }
}

function bareHttp(port: number, opened: AsyncDisposableStack): Call {
  const agent = new Agent({ keepAlive: true })
  opened.defer(() => agent.destroy())
  return () => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    const request = httpRequest({ port, host: '127.0.0.1', agent, method: 'POST' }, (response) =>
      response.on('data', () => {}).on('end', () => resolve(undefined)),
    )
    request.on('error', reject).end(BARE)
    return promise
  }
}

async function bareSocket(port: number, opened: AsyncDisposableStack): Promise<Call> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false })
  await once(socket, 'open')
  opened.defer(() => socket.terminate())
  return () => {
    const answered = once(socket, 'message')
    socket.send(BARE)
    return answered
  }
}

async function temporaryFolder(opened: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bench-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  return folder
}
