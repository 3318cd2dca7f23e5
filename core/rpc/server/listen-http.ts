/** A host's doors: a TCP port that demands a token, and a unix socket for the programs of its owner. */
import { once } from 'node:events'
import type { Server } from 'node:http'
import { TroupeError } from '../../base/errors.ts'
import { serverLimits, type ServerLimits } from '../limits.ts'
import type { Router } from '../router.ts'
import { makeTcpGate, unixGate } from './gate.ts'
import { createHttpServer, serveHttp } from './http-server.ts'
import type { Pages } from './routes.ts'
import { assertTokenForm } from './token.ts'
import { listenAtPath } from './unix-socket.ts'

export interface ListenOptions {
  readonly router: Router
  /** Default `127.0.0.1`. */
  readonly host?: string
  /** 0: any free one. */
  readonly port: number
  /** Demanded of everyone who comes by TCP: 16 to 512 letters, digits, or any of . _ ~ - */
  readonly token: string
  /** Where to listen for programs of the same user; they need no token. */
  readonly socketPath?: string
  /** `name:port` values of Host beside the loopback names. */
  readonly allowedHosts?: readonly string[]
  /** Origins of pages beside our own. */
  readonly allowedOrigins?: readonly string[]
  readonly limits?: Partial<ServerLimits>
  readonly pages?: Pages
}

export interface HttpListener extends AsyncDisposable {
  /** `http://127.0.0.1:7870`, without the token. */
  readonly url: string
  readonly port: number
}

/**
 * Serves a router over HTTP and WebSocket until disposed, which ends every connection within `limits.closeMs` or little more.
 * @throws TroupeError PORT_UNAVAILABLE, HOST_ALREADY_RUNNING, DATA_DIR_UNUSABLE, CONFIG_INVALID.
 */
export async function listenHttp(options: ListenOptions): Promise<HttpListener> {
  assertTokenForm(options.token)
  await using opened = new AsyncDisposableStack()
  const { host = '127.0.0.1' } = options
  const port = await listenTcp(options, host, opened)
  if (options.socketPath !== undefined) await listenUnix(options, options.socketPath, opened)
  const doors = opened.move()
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    [Symbol.asyncDispose]: () => doors.disposeAsync(),
  }
}

async function listenTcp(options: ListenOptions, host: string, opened: AsyncDisposableStack): Promise<number> {
  const { router, token, allowedHosts = [], allowedOrigins = [], pages } = options
  const limits = { ...serverLimits, ...options.limits }
  const server = createHttpServer(limits)
  const port = await bindTcp(server, host, options.port)
  const gate = makeTcpGate({ port, token, hosts: allowedHosts, origins: allowedOrigins })
  opened.use(serveHttp(server, { router, gate, limits, pages, port }))
  return port
}

async function listenUnix(options: ListenOptions, path: string, opened: AsyncDisposableStack): Promise<void> {
  const { router, pages } = options
  const limits = { ...serverLimits, ...options.limits }
  const server = createHttpServer(limits)
  opened.use(serveHttp(server, { router, gate: unixGate, limits, pages, port: 0 }))
  opened.use(await listenAtPath(server, path))
}

async function bindTcp(server: Server, host: string, port: number): Promise<number> {
  server.listen({ host, port })
  try {
    await once(server, 'listening')
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    const hint = 'choose another port, or stop the program that has it'
    throw new TroupeError('PORT_UNAVAILABLE', `Port ${port} of ${host} cannot be opened (${words}); ${hint}.`)
  }
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}
