/** The token of a host: where a request carries it, and its comparison. */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { TroupeError } from '../../base/errors.ts'
import { TOKEN_SUBPROTOCOL } from '../client/socket-channel.ts'

/** Fits a header, a cookie, a URL and a WebSocket subprotocol as it is. */
const TOKEN_FORM = /^[A-Za-z0-9._~-]{16,512}$/

/** @throws TroupeError CONFIG_INVALID for a token that could not travel or that is easily guessed. */
export function assertTokenForm(token: string): void {
  if (TOKEN_FORM.test(token)) return
  throw new TroupeError('CONFIG_INVALID', 'The token of the host must be 16 to 512 letters, digits, or any of . _ ~ -')
}

/** Compares in a time that says nothing of where the two differ. */
export function isSameToken(given: string, expected: string): boolean {
  return timingSafeEqual(digest(given), digest(expected))
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** Cookies know no ports, so the name does: two hosts on one machine keep theirs apart. */
export const cookieName = (port: number): string => `troupe-${port}`

/** A token in a header, a cookie or a subprotocol; the query is not looked at: it would stay in histories and logs. */
export function tokenOf(headers: IncomingHttpHeaders, port: number): string | undefined {
  return bearerOf(headers.authorization) ?? subprotocolOf(headers) ?? cookieOf(headers.cookie, cookieName(port))
}

const bearerOf = (header: string | undefined): string | undefined => header?.match(/^Bearer +(\S+)$/i)?.[1]

const subprotocolOf = (headers: IncomingHttpHeaders): string | undefined =>
  (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((name) => name.trim())
    .find((name) => name.startsWith(TOKEN_SUBPROTOCOL))
    ?.slice(TOKEN_SUBPROTOCOL.length)

const cookieOf = (header: string | undefined, name: string): string | undefined =>
  (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1)
