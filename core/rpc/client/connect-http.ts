/** A connection that is one POST a call: it carries no notifications. */
import { isErrorCode, TroupeError } from '../../base/errors.ts'
import { channelEnded } from '../channel.ts'
import { isObject, isResponse } from '../envelope.ts'
import { abortReason, DEFAULT_TIMEOUT_MS, resultOf, type CallOptions } from '../requester.ts'
import type { ClientConnection } from './connection.ts'

export interface HttpAnswer {
  readonly status: number
  readonly text: string
}

/** Sends one text to `/rpc`. Rejects when there was no answer. */
export type Post = (text: string, signal: AbortSignal) => Promise<HttpAnswer>

export interface HttpOptions {
  /** The host's token; a page that the host served has it in a cookie instead. */
  readonly token?: string
}

/** Calls a host by its address, for example `http://127.0.0.1:7870`. Nothing is sent before the first call. */
export function connectHttp(url: string, options: HttpOptions = {}): ClientConnection {
  const address = new URL('/rpc', url)
  const headers = {
    'content-type': 'application/json',
    ...(options.token && { authorization: `Bearer ${options.token}` }),
  }
  return makeHttpConnection(address.origin, async (body, signal) => {
    const answer = await fetch(address, { method: 'POST', headers, body, signal, redirect: 'error' })
    return { status: answer.status, text: await answer.text() }
  })
}

/** The same over any way to post. */
export function makeHttpConnection(where: string, post: Post): ClientConnection {
  const ended = new AbortController()
  let lastId = 0

  async function request(method: string, params: object, options: CallOptions = {}): Promise<unknown> {
    const ms = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
    const late = AbortSignal.timeout(ms)
    const signal = AbortSignal.any([ended.signal, late, ...(options.signal ? [options.signal] : [])])
    const text = JSON.stringify({ jsonrpc: '2.0', id: ++lastId, method, params })
    const answer = await post(text, signal).catch((cause: unknown) => {
      if (ended.signal.aborted) throw ended.signal.reason
      if (options.signal?.aborted) throw abortReason(method, options.signal)
      if (late.aborted) throw new TroupeError('TIMEOUT', `${method} did not answer within ${ms} ms.`)
      throw new TroupeError('HOST_UNREACHABLE', `No answer from ${where}; is the host running?`, undefined, cause)
    })
    const result = readAnswer(where, answer)
    options.onResult?.(result)
    return result
  }

  return {
    request,
    onNotification: () => ({ [Symbol.dispose]() {} }),
    onReconnect: () => ({ [Symbol.dispose]() {} }),
    closed: ended.signal,
    async [Symbol.asyncDispose]() {
      ended.abort(channelEnded('it was closed'))
    },
  }
}

function readAnswer(where: string, { status, text }: HttpAnswer): unknown {
  const value = parseOr(text, undefined)
  if (status === 200 && isResponse(value)) return resultOf(value)
  throw refusalOf(value) ?? new TroupeError('HOST_UNREACHABLE', `${where} answered ${status}; it is not a Troupe host.`)
}

/** What the server answers instead of JSON-RPC: `{"error":{"code","message"}}`. */
function refusalOf(value: unknown): TroupeError | undefined {
  const error = isObject(value) ? value['error'] : undefined
  if (!isObject(error) || !isErrorCode(error['code'])) return undefined
  return new TroupeError(error['code'], String(error['message']))
}

function parseOr(text: string, otherwise: unknown): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return otherwise
  }
}
