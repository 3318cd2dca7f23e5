/** Each transport with a router behind it, for suites that run over all of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WebSocket as NodeWebSocket } from 'ws'
import { connectUnixHttp, connectUnixWebSocket } from '../../core/rpc/client-node/unix.ts'
import { connectHttp } from '../../core/rpc/client/connect-http.ts'
import { connectPort } from '../../core/rpc/client/connect-port.ts'
import { connectWebSocket } from '../../core/rpc/client/connect-websocket.ts'
import type { ClientConnection } from '../../core/rpc/client/connection.ts'
import { openSocketChannel, type WebSocketLike } from '../../core/rpc/client/socket-channel.ts'
import type { Channel } from '../../core/rpc/channel.ts'
import type { ServerLimits } from '../../core/rpc/limits.ts'
import { makePortChannel } from '../../core/rpc/port-channel.ts'
import type { Router } from '../../core/rpc/router.ts'
import { servePort } from '../../core/rpc/serve-port.ts'
import { listenHttp, type HttpListener } from '../../core/rpc/server/listen-http.ts'

export const TOKEN = 'token-of-the-tests-0123456789'

export interface Endpoint extends AsyncDisposable {
  readonly connection: ClientConnection
  /** Sends a text as it is; `answer` undefined means that nothing was said. */
  exchange(text: string): Promise<string | undefined>
  /** Ends the serving side while calls are under way. */
  stopServing(): Promise<void>
}

export interface Transport {
  readonly name: string
  readonly notifies: boolean
  readonly open: (router: Router) => Promise<Endpoint>
}

export interface Served extends HttpListener {
  readonly socketPath: string
}

/** A listener on a free port and on a socket of its own. */
export async function serve(router: Router, limits: Partial<ServerLimits> = {}): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), 'rpc-'))
  const socketPath = join(folder, 'host.sock')
  const closing = { closeMs: 200, ...limits }
  const listener = await listenHttp({ router, port: 0, token: TOKEN, socketPath, limits: closing })
  return {
    ...listener,
    socketPath,
    async [Symbol.asyncDispose]() {
      await listener[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export const transports: readonly Transport[] = [
  { name: 'a MessagePort', notifies: true, open: openPort },
  { name: 'HTTP', notifies: false, open: (router) => openHttp(router, 'tcp') },
  { name: 'HTTP on a unix socket', notifies: false, open: (router) => openHttp(router, 'unix') },
  { name: 'a WebSocket', notifies: true, open: (router) => openSocket(router, 'tcp') },
  { name: 'a WebSocket on a unix socket', notifies: true, open: (router) => openSocket(router, 'unix') },
]

async function openPort(router: Router): Promise<Endpoint> {
  const forCalls = new MessageChannel()
  const forTexts = new MessageChannel()
  const peers = [servePort(router, forCalls.port1), servePort(router, forTexts.port1)]
  const connection = await connectPort(forCalls.port2)
  const channel = makePortChannel(forTexts.port2)
  const exchange = exchangeOver(channel)
  return {
    connection,
    exchange,
    stopServing: async () => peers.forEach((peer) => peer.close()),
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]()
      channel.close()
      peers.forEach((peer) => peer.close())
    },
  }
}

async function openHttp(router: Router, by: 'tcp' | 'unix'): Promise<Endpoint> {
  const served = await serve(router)
  const connection = by === 'tcp' ? connectHttp(served.url, { token: TOKEN }) : connectUnixHttp(served.socketPath)
  return {
    connection,
    exchange: (text) => (by === 'tcp' ? postTcp(served.url, text) : postUnix(served.socketPath, text)),
    stopServing: async () => served[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]()
      await served[Symbol.asyncDispose]()
    },
  }
}

async function openSocket(router: Router, by: 'tcp' | 'unix'): Promise<Endpoint> {
  const served = await serve(router)
  const { url, socketPath } = served
  const connection =
    by === 'tcp'
      ? await connectWebSocket(url, { token: TOKEN, retryForMs: 0 })
      : await connectUnixWebSocket(socketPath, { retryForMs: 0 })
  const socket: WebSocketLike =
    by === 'tcp'
      ? new WebSocket(url.replace('http', 'ws') + '/ws', ['troupe.v1', `troupe.token.${TOKEN}`])
      : new NodeWebSocket('ws://localhost/ws', ['troupe.v1'], { createConnection: () => connect({ path: socketPath }) })
  const channel = await openSocketChannel(socket, url, new AbortController().signal)
  return {
    connection,
    exchange: exchangeOver(channel),
    stopServing: async () => served[Symbol.asyncDispose](),
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]()
      channel.close()
      await served[Symbol.asyncDispose]()
    },
  }
}

/** The text, then two calls of our own, one after the other: what else was heard by then is the answer. */
function exchangeOver(channel: Channel): Endpoint['exchange'] {
  const answers: string[] = []
  let probes = 0
  let probed = Promise.withResolvers<void>()
  channel.receive((text) => (text.includes('"probe-') ? probed.resolve() : answers.push(text)))

  async function probe(): Promise<void> {
    probed = Promise.withResolvers<void>()
    await channel.send(`{"jsonrpc":"2.0","id":"probe-${++probes}","method":"no such method"}`)
    await probed.promise
  }

  return async (text) => {
    await channel.send(text)
    await probe()
    await probe()
    return answers.shift()
  }
}

const HEADERS = { 'content-type': 'application/json' }

async function postTcp(url: string, body: string): Promise<string | undefined> {
  const headers = { ...HEADERS, authorization: `Bearer ${TOKEN}` }
  const answer = await fetch(`${url}/rpc`, { method: 'POST', headers, body })
  return answer.status === 204 ? undefined : answer.text()
}

function postUnix(socketPath: string, body: string): Promise<string | undefined> {
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  const agent = new Agent({ keepAlive: false })
  const request = httpRequest({ socketPath, agent, method: 'POST', path: '/rpc', headers: HEADERS }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('end', () => resolve(response.statusCode === 204 ? undefined : Buffer.concat(chunks).toString()))
  })
  request.on('error', reject).end(body)
  return promise
}
