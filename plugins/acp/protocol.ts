/** JSON-RPC 2.0, one message a line, as ACP has it: what comes in is told apart, what goes out is made here. Pure. */
import { type Json, type JsonObject, asNumber, asObject, asString, parseObject } from 'troupe/plugin'

/** The agent's own; ours are strings. */
export type RequestId = string | number

export interface Failure {
  readonly code: number
  readonly message: string
  readonly data?: Json
}

export type Incoming =
  | { readonly kind: 'request'; readonly id: RequestId; readonly method: string; readonly params: JsonObject }
  | { readonly kind: 'notification'; readonly method: string; readonly params: JsonObject }
  | { readonly kind: 'result'; readonly id: RequestId; readonly result: JsonObject }
  | { readonly kind: 'failure'; readonly id: RequestId; readonly failure: Failure }

/** To a request of ours. */
export type Reply = Extract<Incoming, { kind: 'result' | 'failure' }>

/** To a prompt: its turn was cancelled, or failed as some agents have it then. */
export const isCancelled = (reply: Reply): boolean =>
  reply.kind === 'failure' || reply.result['stopReason'] === 'cancelled'

/** What ACP says in place of a number of its own. */
export const AUTH_REQUIRED = -32000
const METHOD_NOT_FOUND = -32601

/** Undefined when the line is no message of JSON-RPC. */
export function readLine(text: string): Incoming | undefined {
  const line = parseObject(text)
  if (!line) return undefined
  const id = asString(line['id']) ?? asNumber(line['id'])
  const method = asString(line['method'])
  const params = asObject(line['params']) ?? {}
  if (method !== undefined)
    return id === undefined ? { kind: 'notification', method, params } : { kind: 'request', id, method, params }
  if (id === undefined) return undefined
  const error = asObject(line['error'])
  if (error) return { kind: 'failure', id, failure: toFailure(error) }
  return 'result' in line ? { kind: 'result', id, result: asObject(line['result']) ?? {} } : undefined
}

const toFailure = (error: JsonObject): Failure => ({
  code: asNumber(error['code']) ?? 0,
  message: asString(error['message']) ?? 'no reason given',
  ...(error['data'] !== undefined && { data: error['data'] }),
})

/** A request of ours. Plain data, for a checkpoint. */
export interface Request {
  readonly id: string
  readonly method: string
  readonly params: JsonObject
}

export const requestLine = ({ id, method, params }: Request): string => toLine({ id, method, params })

export const notificationLine = (method: string, params: JsonObject): string => toLine({ method, params })

export const resultLine = (id: RequestId, result: JsonObject): string => toLine({ id, result })

/** For a request that we do not serve; the agent goes on without. */
export const refusalLine = (id: RequestId, method: string): string =>
  toLine({ id, error: { code: METHOD_NOT_FOUND, message: `Troupe does not serve ${method}.` } })

const toLine = (message: JsonObject): string => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`
