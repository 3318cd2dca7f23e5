/** What each path of the HTTP server does. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isErrorCode, TroupeError } from '../../base/errors.ts'
import type { Principal } from '../access.ts'
import { openRpcText } from '../documents/openrpc.ts'
import { isObject } from '../envelope.ts'
import type { ServerLimits } from '../limits.ts'
import { refusal, type Router } from '../router.ts'
import { assertJson, assertLength, readBody } from './body.ts'
import type { Gate } from './gate.ts'
import { jsonReply, type Reply } from './respond.ts'
import { cookieName } from './token.ts'

/** A page of the panel, or any file of it. Its headers are added to the ones of every answer. */
export type Page = Required<Pick<Reply, 'status' | 'body' | 'contentType'>> & Pick<Reply, 'headers'>

/** Gives the page of a path such as `/` or `/assets/main.js`, or undefined. Called only for who has the token. */
export type Pages = (path: string) => Promise<Page | undefined>

export interface RouteContext {
  readonly router: Router
  readonly gate: Gate
  readonly limits: ServerLimits
  readonly pages: Pages | undefined
  /** Of the TCP listener; 0 on a unix socket. */
  readonly port: number
}

/** One request and where its answer goes. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Aborts when the caller has gone or the server closes. */
  readonly signal: AbortSignal
}

/** @throws TroupeError with what to refuse the request for. */
export async function route(context: RouteContext, exchange: Exchange): Promise<Reply> {
  const { request } = exchange
  context.gate.assertOurs(request)
  const target = targetOf(request)
  if (target.pathname === '/health') return readOnly(request, () => health(context, exchange.signal))
  if (target.pathname === '/' && target.searchParams.has('token'))
    return readOnly(request, () => enter(context, target))
  const principal = context.gate.identify(request)
  if (target.pathname === '/rpc') return rpc(context, exchange, principal)
  if (target.pathname === '/openrpc.json') return readOnly(request, () => jsonReply(200, openRpcText()))
  return readOnly(request, () => page(context, target.pathname))
}

/** Only the path and query are of use: a proxy's absolute form is refused. */
export function targetOf({ url = '' }: IncomingMessage): URL {
  if (url.startsWith('/') && URL.canParse(`http://host${url}`)) return new URL(`http://host${url}`)
  throw new TroupeError('INVALID_REQUEST', 'The target of the request is not a path.')
}

function readOnly(request: IncomingMessage, make: () => Reply | Promise<Reply>): Reply | Promise<Reply> {
  if (request.method === 'GET' || request.method === 'HEAD') return make()
  throw wrongMethod('GET, HEAD')
}

const wrongMethod = (allow: string): TroupeError =>
  new TroupeError('HTTP_METHOD', `This path serves ${allow} only.`, { allow })

async function rpc({ router, limits }: RouteContext, exchange: Exchange, principal: Principal): Promise<Reply> {
  const { request, response, signal } = exchange
  if (request.method !== 'POST') throw wrongMethod('POST')
  assertJson(request)
  assertLength(request, limits.bodyBytes)
  if (request.headers.expect !== undefined) response.writeContinue()
  const text = await readBody(request, limits.bodyBytes).catch(unlessUnreadable)
  if (typeof text !== 'string') return jsonReply(200, refusal(null, text))
  const answer = await router.answer(text, { principal, signal })
  return answer === undefined ? { status: 204 } : jsonReply(200, answer)
}

/** A body that is no text is an error of JSON-RPC, not of HTTP. */
function unlessUnreadable(error: unknown): TroupeError {
  if (error instanceof TroupeError && error.code === 'PARSE_ERROR') return error
  throw error
}

/** The method `getHealth` for monitors that speak no JSON-RPC and have no token. */
async function health({ router }: RouteContext, signal: AbortSignal): Promise<Reply> {
  const request = { jsonrpc: '2.0', id: 1, method: 'getHealth', params: {} }
  const answer: unknown = JSON.parse(
    (await router.answerValue(request, { principal: { kind: 'anonymous' }, signal })) ?? '',
  )
  const result = isObject(answer) ? answer['result'] : undefined
  if (isObject(result)) return jsonReply(result['status'] === 'ok' ? 200 : 503, JSON.stringify(result))
  const error = isObject(answer) && isObject(answer['error']) ? answer['error'] : {}
  const code = isObject(error['data']) ? error['data']['code'] : undefined
  throw new TroupeError(isErrorCode(code) ? code : 'INTERNAL', String(error['message']))
}

/** The printed address: takes the token once, into a cookie, and out of the address bar. */
function enter({ gate, port }: RouteContext, target: URL): Reply {
  const token = target.searchParams.get('token') ?? ''
  if (!gate.admits(token)) {
    throw new TroupeError(
      'UNAUTHENTICATED',
      'The token in this address is not the one of this host; it changes at each start.',
    )
  }
  const cookie = `${cookieName(port)}=${token}; HttpOnly; SameSite=Strict; Path=/`
  return { status: 303, headers: { location: '/', 'set-cookie': cookie } }
}

async function page({ pages }: RouteContext, path: string): Promise<Reply> {
  const found = await pages?.(path)
  if (found) return found
  throw new TroupeError('NOT_FOUND', 'There is nothing at this path; methods are called at /rpc and /ws.')
}
