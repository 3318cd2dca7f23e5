/** How the server says things over HTTP: always with the same headers, refusals as `{"error":{"code","message"}}`. */
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { toEnvelope, TroupeError, type ErrorCode } from '../../base/errors.ts'
import { STATUS_CODES } from '../node-http.ts'

const JSON_TYPE = 'application/json; charset=utf-8'

/** No CORS header is among them, on purpose: no other page may read what we say. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

export interface Reply {
  readonly status: number
  readonly body?: string | Uint8Array
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
}

export function send(response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return
  response.writeHead(reply.status, headersOf(reply)).end(reply.body)
}

export const jsonReply = (status: number, body: string): Reply => ({ status, body, contentType: JSON_TYPE })

const STATUS: Partial<Record<ErrorCode, number>> = {
  INVALID_REQUEST: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_FOUND: 404,
  HTTP_METHOD: 405,
  TIMEOUT: 408,
  LIMIT_BODY: 413,
  MEDIA_TYPE: 415,
  ABORTED: 503,
}

/** The reply that an error is told with; what is not of the table says nothing of its inside. */
export function refusalReply(error: unknown): Reply {
  const known = error instanceof TroupeError ? error : new TroupeError('INTERNAL', 'The request failed inside Troupe.')
  const { code, message } = toEnvelope(known)
  const reply = jsonReply(STATUS[code] ?? 500, JSON.stringify({ error: { code, message } }))
  const extra = EXTRA_HEADERS[code]?.(known)
  return extra ? { ...reply, headers: extra } : reply
}

const EXTRA_HEADERS: Partial<Record<ErrorCode, (error: TroupeError) => Record<string, string>>> = {
  UNAUTHENTICATED: () => ({ 'www-authenticate': 'Bearer realm="troupe"' }),
  HTTP_METHOD: ({ details }) => ({ allow: String(details?.['allow']) }),
}

/** The same on a bare socket, where Node has made no response object: it ends the connection. */
export function refuseSocket(socket: Duplex, error: unknown): void {
  const reply = refusalReply(error)
  const lines = Object.entries({ ...headersOf(reply), connection: 'close' }).map(([name, value]) => `${name}: ${value}`)
  const head = [`HTTP/1.1 ${reply.status} ${STATUS_CODES[reply.status] ?? ''}`, ...lines].join('\r\n')
  socket.end(`${head}\r\n\r\n${String(reply.body)}`, () => socket.destroy())
}

function headersOf({ status, body, contentType, headers }: Reply): Record<string, string> {
  const length = body === undefined ? 0 : Buffer.byteLength(body)
  return {
    ...SECURITY_HEADERS,
    ...(contentType && { 'content-type': contentType }),
    ...(status !== 204 && { 'content-length': String(length) }),
    ...headers,
  }
}
