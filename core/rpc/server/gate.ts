/**
 * Who may come in, decided from the head of a request alone. Any web page can make a browser send requests to a loopback
 * port, so the token is not enough: the page's own marks (Host, Origin, Sec-Fetch-Site) are checked first.
 */
import type { IncomingMessage } from 'node:http'
import { TroupeError } from '../../base/errors.ts'
import type { Principal } from '../access.ts'
import { isSameToken, tokenOf } from './token.ts'

/** The part of a request that is looked at. */
export type RequestHead = Pick<IncomingMessage, 'headers' | 'headersDistinct' | 'method'>

export interface Gate {
  /** @throws TroupeError FORBIDDEN when the request comes from a page that is not ours. */
  assertOurs(head: RequestHead): void
  /** @throws TroupeError UNAUTHENTICATED. */
  identify(head: RequestHead): Principal
  /** Whether a token given by hand is the right one. */
  admits(token: string): boolean
}

export interface TcpGateOptions {
  readonly port: number
  readonly token: string
  /** `name:port` beside the loopback names. */
  readonly hosts: readonly string[]
  /** Origins beside that of the page's own host. */
  readonly origins: readonly string[]
}

const LOOPBACK_NAMES = ['127.0.0.1', 'localhost', '[::1]']

/** The gate of a TCP port: the right names, no foreign page, a token. */
export function makeTcpGate({ port, token, hosts, origins }: TcpGateOptions): Gate {
  const ownHosts = new Set([...LOOPBACK_NAMES.flatMap((name) => namesAt(name, port)), ...hosts])
  const ownOrigins = new Set(origins)
  return {
    assertOurs(head) {
      const host = hostOf(head)
      if (!ownHosts.has(host)) throw foreignHost(port)
      const { origin } = head.headers
      if (origin !== undefined && origin !== `http://${host}` && !ownOrigins.has(origin)) throw foreignPage()
      if (isForeignFetch(head, origin)) throw foreignPage()
    },
    identify({ headers }) {
      const given = tokenOf(headers, port)
      if (given === undefined || !isSameToken(given, token)) throw unauthenticated(given !== undefined)
      return { kind: 'local' }
    },
    admits: (given) => isSameToken(given, token),
  }

  /** A page on another port of this machine is `same-site`: it may link to us, and no more. */
  function isForeignFetch({ headers, method }: RequestHead, origin: string | undefined): boolean {
    const site = headers['sec-fetch-site']
    if (site === undefined || site === 'same-origin' || site === 'none') return false
    if (origin !== undefined && ownOrigins.has(origin)) return false
    return site === 'cross-site' || method !== 'GET' || headers['sec-fetch-mode'] !== 'navigate'
  }
}

/** The gate of a unix socket: the permissions of its file have let the caller in; a browser has no business here. */
export const unixGate: Gate = {
  assertOurs({ headers }) {
    if (headers.origin !== undefined || headers['sec-fetch-site'] !== undefined) throw foreignPage()
  },
  identify: () => ({ kind: 'local' }),
  admits: () => false,
}

/** A browser leaves out the port that is the default. */
const namesAt = (name: string, port: number): string[] => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`])

const hostOf = ({ headersDistinct }: RequestHead): string => {
  const hosts = headersDistinct['host'] ?? []
  return hosts.length === 1 ? (hosts[0] ?? '').toLowerCase() : ''
}

const foreignHost = (port: number): TroupeError =>
  new TroupeError('FORBIDDEN', `This Host header is not one of ours; open the host as http://127.0.0.1:${port}.`)

const foreignPage = (): TroupeError =>
  new TroupeError('FORBIDDEN', 'The page that sends this request is not one of ours; use the address the host printed.')

const unauthenticated = (wrong: boolean): TroupeError =>
  new TroupeError(
    'UNAUTHENTICATED',
    wrong
      ? 'The token is not the one of this host; use the address that it printed at its start.'
      : 'No token; open the address that the host printed, or send it as "Authorization: Bearer <token>".',
  )
