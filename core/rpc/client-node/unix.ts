/** Connections to a host of this machine by its unix socket: no port, no token. For Node only. */
import type { Agent as HttpAgent } from 'node:http'
import { connect } from 'node:net'
import { WebSocket } from 'ws'
import { makeHttpConnection, type HttpAnswer } from '../client/connect-http.ts'
import type { ClientConnection } from '../client/connection.ts'
import { keepConnected, type KeepOptions } from '../client/keep-connected.ts'
import { openSocketChannel, SUBPROTOCOL } from '../client/socket-channel.ts'
import { Agent, request as httpRequest } from '../node-http.ts'

/** Calls a host at its socket, one request a call; nothing is sent before the first call. */
export function connectUnixHttp(socketPath: string): ClientConnection {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  const connection = makeHttpConnection(socketPath, (body, signal) => post({ socketPath, agent, body, signal }))
  return {
    ...connection,
    async [Symbol.asyncDispose]() {
      await connection[Symbol.asyncDispose]()
      agent.destroy()
    },
  }
}

/**
 * Connects to a host at its socket, with notifications; comes back by itself after a loss.
 * @throws TroupeError HOST_UNREACHABLE when nobody listens there.
 */
export const connectUnixWebSocket = (socketPath: string, options: KeepOptions = {}): Promise<ClientConnection> =>
  keepConnected((signal) => openSocketChannel(openSocket(socketPath), socketPath, signal), options)

function openSocket(socketPath: string): WebSocket {
  return new WebSocket('ws://localhost/ws', [SUBPROTOCOL], {
    createConnection: () => connect({ path: socketPath }),
    perMessageDeflate: false,
  })
}

interface PostOptions {
  readonly socketPath: string
  readonly agent: HttpAgent
  readonly body: string
  readonly signal: AbortSignal
}

function post({ body, ...options }: PostOptions): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
  const request = httpRequest({ ...options, method: 'POST', path: '/rpc', headers }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
    response.on('error', reject)
  })
  request.on('error', reject)
  request.end(body)
  return promise
}
