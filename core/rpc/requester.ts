/**
 * The asking half of JSON-RPC over a channel. Owns the calls that wait for an answer.
 * R1 Every call settles: by its answer, its time limit, its signal or the end of the channel.
 */
import { JSONRPCClient, type JSONRPCID, type JSONRPCRequest, type JSONRPCResponse } from 'json-rpc-2.0'
import { TroupeError } from '../base/errors.ts'
import { errorResponse, fromResponseError } from './envelope.ts'

export interface CallOptions<Result = unknown> {
  /** Gives the call up; the other side is told. */
  readonly signal?: AbortSignal
  /** Default 120 000. */
  readonly timeoutMs?: number
  /**
   * Hears of the result before anything is delivered that came after it. A promise is too late for that: the first
   * notifications of a subscription may come in the same task as its answer.
   */
  readonly onResult?: (result: Result) => void
}

export interface Requester {
  /**
   * Calls a method of the other side by name; `makeClient` gives it types.
   * @throws TroupeError as the other side answered it; HOST_UNREACHABLE, TIMEOUT or ABORTED when there was no answer.
   */
  readonly request: (method: string, params: object, options?: CallOptions) => Promise<unknown>
}

export interface RequestQueue extends Requester {
  /** Takes an answer that came over the channel. */
  receive(response: JSONRPCResponse | JSONRPCResponse[]): void
  /** Settles all that wait with `reason` (R1). */
  end(reason: TroupeError): void
}

export const DEFAULT_TIMEOUT_MS = 120_000

/** Tells the other side that a call was given up; `params` names its id. */
export const CANCEL = 'rpc.cancel'

export function makeRequestQueue(send: (text: string) => Promise<void>): RequestQueue {
  let lastId = 0
  const waiting = new Map<JSONRPCID, CallOptions>()
  const settle = (id: JSONRPCID, reason: TroupeError) => client.receive(errorResponse(id, reason))
  // Not awaited: the library would let a send that hangs hold back a call that was given up (R1).
  const client = new JSONRPCClient((payload: JSONRPCRequest) => {
    send(JSON.stringify(payload)).catch((error: unknown) => settle(payload.id ?? null, unsent(error)))
  })

  async function request(method: string, params: object, options: CallOptions = {}): Promise<unknown> {
    if (options.signal?.aborted) throw abortReason(method, options.signal)
    const id = ++lastId
    waiting.set(id, options)
    const bound = boundCall(method, options, (reason) => {
      settle(id, reason)
      send(JSON.stringify({ jsonrpc: '2.0', method: CANCEL, params: { id } })).catch(() => {})
    })
    try {
      return resultOf(await client.requestAdvanced({ jsonrpc: '2.0', id, method, params }))
    } finally {
      waiting.delete(id)
      bound[Symbol.dispose]()
    }
  }

  return {
    request,
    receive(response) {
      for (const { id, result, error } of [response].flat()) if (!error) waiting.get(id)?.onResult?.(result)
      client.receive(response)
    },
    end(reason) {
      for (const id of waiting.keys()) settle(id, reason)
    },
  }
}

/** @throws TroupeError when the answer is an error. */
export function resultOf(response: JSONRPCResponse): unknown {
  if (response.error) throw fromResponseError(response.error)
  return response.result
}

/** Calls `giveUp` at the time limit or when the signal aborts, until disposed. */
function boundCall(method: string, options: CallOptions, giveUp: (reason: TroupeError) => void): Disposable {
  const ms = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const onTime = () => giveUp(new TroupeError('TIMEOUT', `${method} did not answer within ${ms} ms.`))
  const onAbort = () => giveUp(abortReason(method, options.signal))
  const timer = setTimeout(onTime, ms)
  options.signal?.addEventListener('abort', onAbort, { once: true })
  return {
    [Symbol.dispose]() {
      clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
    },
  }
}

const unsent = (error: unknown): TroupeError =>
  error instanceof TroupeError ? error : new TroupeError('HOST_UNREACHABLE', 'The call could not be sent.', {}, error)

export const abortReason = (method: string, signal: AbortSignal | undefined): TroupeError =>
  signal?.reason instanceof TroupeError ? signal.reason : new TroupeError('ABORTED', `${method} was given up.`)
