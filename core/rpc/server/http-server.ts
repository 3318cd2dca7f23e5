/**
 * One HTTP server, wherever it listens. Owns the calls under way and the WebSockets.
 * H1 Disposing takes no new request, gives the calls at work `closeMs`, then aborts them and ends every connection.
 * H2 A peer that takes nothing of its answer for `requestTimeoutMs` is cut off.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { TroupeError } from '../../base/errors.ts'
import type { ServerLimits } from '../limits.ts'
import { createServer } from '../node-http.ts'
import { refuseSocket, refusalReply, send } from './respond.ts'
import { route, type RouteContext } from './routes.ts'
import { openWebSockets } from './web-sockets.ts'

/** How often Node looks for requests that are over their time, milliseconds. */
const CHECK_MS = 1_000
const KEEP_ALIVE_MS = 65_000

export function createHttpServer(limits: ServerLimits): Server {
  const server = createServer({
    noDelay: true,
    headersTimeout: Math.min(limits.headersTimeoutMs, limits.requestTimeoutMs),
    requestTimeout: limits.requestTimeoutMs,
    connectionsCheckingInterval: Math.min(CHECK_MS, limits.headersTimeoutMs, limits.requestTimeoutMs),
    keepAliveTimeout: KEEP_ALIVE_MS,
  })
  server.maxConnections = limits.connections
  return server
}

/** Answers what comes to `server` until disposed. */
export function serveHttp(server: Server, context: RouteContext): AsyncDisposable {
  const webSockets = openWebSockets(context)
  const atWork = new Set<AbortController>()
  let closing = false

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const controller = new AbortController()
    atWork.add(controller)
    response.on('close', () => {
      atWork.delete(controller)
      if (!response.writableFinished) controller.abort(new TroupeError('ABORTED', 'The caller gave up.'))
    })
    try {
      const reply = await route(context, { request, response, signal: controller.signal })
      if (closing) response.shouldKeepAlive = false
      response.setTimeout(context.limits.requestTimeoutMs, () => response.destroy()) // H2
      send(response, reply)
    } catch (error) {
      refuse(request, response, error)
    }
  }

  function refuse(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (!(error instanceof TroupeError)) context.router.logger.error({ err: error }, 'an HTTP request failed')
    // Who waits for "100 Continue" will not send its body now, so the connection is of no more use.
    if (request.headers.expect !== undefined) response.shouldKeepAlive = false
    send(response, refusalReply(error))
  }

  const onRequest = (request: IncomingMessage, response: ServerResponse): void => void answer(request, response)
  server.on('request', onRequest)
  server.on('checkContinue', onRequest)
  server.on('upgrade', (request, socket, head) => webSockets.upgrade(request, socket, head))
  server.on('clientError', refuseMalformed)

  return {
    async [Symbol.asyncDispose]() {
      closing = true
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeIdleConnections()
      const timer = setTimeout(() => endAll(server, atWork), context.limits.closeMs)
      await Promise.all([webSockets[Symbol.asyncDispose](), closed])
      clearTimeout(timer)
    },
  }
}

/** H1 */
function endAll(server: Server, atWork: ReadonlySet<AbortController>): void {
  for (const controller of atWork) controller.abort(new TroupeError('ABORTED', 'The host is shutting down.'))
  server.closeAllConnections()
}

/** What Node could not read as HTTP, or what came too slowly. */
function refuseMalformed(error: Error & { code?: string }, socket: Duplex): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  const late = error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
  refuseSocket(
    socket,
    late
      ? new TroupeError('TIMEOUT', 'The request did not arrive within its time; send it at once.')
      : new TroupeError('INVALID_REQUEST', 'This is not an HTTP request that can be read.'),
  )
}
