/**
 * The WebSockets of a server. Owns every open one and the timer that pings them.
 * W1 A peer that does not answer a ping before the next one is ended: half-open connections cost nothing for long.
 * W2 After `asyncDispose` no socket is left, at the latest `closeMs` later.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import { TroupeError } from '../../base/errors.ts'
import { SUBPROTOCOL } from '../client/socket-channel.ts'
import { openPeer } from '../peer.ts'
import { refuseSocket } from './respond.ts'
import { targetOf, type RouteContext } from './routes.ts'
import { makeWebSocketChannel } from './web-socket-channel.ts'

export interface WebSockets extends AsyncDisposable {
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void
}

export function openWebSockets(context: RouteContext): WebSockets {
  const { router, gate, limits } = context
  /** Each open socket, and whether it was heard of since the last ping. */
  const open = new Map<WebSocket, { heard: boolean }>()
  let closing = false
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: limits.frameBytes,
    perMessageDeflate: false,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  server.on('wsClientError', (_error, socket) =>
    refuseSocket(socket, new TroupeError('INVALID_REQUEST', 'This is not a WebSocket handshake.')),
  )
  const pings = setInterval(() => pingAll(open), limits.pingMs)
  pings.unref()

  function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    socket.on('error', () => socket.destroy())
    try {
      if (closing) throw new TroupeError('ABORTED', 'The host is shutting down.') // W2
      gate.assertOurs(request)
      const principal = gate.identify(request)
      assertPath(request)
      server.handleUpgrade(request, socket, head, (webSocket) => {
        watch(webSocket)
        openPeer({ channel: makeWebSocketChannel(webSocket, limits.bufferedBytes), router, principal })
      })
    } catch (error) {
      refuseSocket(socket, error)
    }
  }

  function watch(webSocket: WebSocket): void {
    const health = { heard: true }
    open.set(webSocket, health)
    webSocket.on('pong', () => (health.heard = true))
    webSocket.on('close', () => open.delete(webSocket))
  }

  return {
    upgrade,
    async [Symbol.asyncDispose]() {
      closing = true
      clearInterval(pings)
      await Promise.all([...open.keys()].map((webSocket) => closeWithin(webSocket, limits.closeMs))) // W2
    },
  }
}

function assertPath(request: IncomingMessage): void {
  if (targetOf(request).pathname === '/ws') return
  throw new TroupeError('NOT_FOUND', 'There is no WebSocket at this path; connect to /ws.')
}

/** W1 */
function pingAll(open: ReadonlyMap<WebSocket, { heard: boolean }>): void {
  for (const [webSocket, health] of open) {
    if (!health.heard) webSocket.terminate()
    else webSocket.ping()
    health.heard = false
  }
}

function closeWithin(webSocket: WebSocket, ms: number): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(() => webSocket.terminate(), ms)
  webSocket.on('close', () => {
    clearTimeout(timer)
    resolve()
  })
  webSocket.close(1001, 'the host is shutting down')
  return promise
}
