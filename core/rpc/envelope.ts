/** JSON-RPC 2.0 envelopes: what kind a value is, and how our errors travel in one. */
import type { JSONRPCError, JSONRPCErrorResponse, JSONRPCID, JSONRPCRequest, JSONRPCResponse } from 'json-rpc-2.0'
import { ERRORS, isErrorCode, TroupeError, type ErrorCode, type ErrorEnvelope } from '../base/errors.ts'

export type { JSONRPCID, JSONRPCRequest, JSONRPCResponse }

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const isId = (value: unknown): value is JSONRPCID =>
  value === null || typeof value === 'string' || typeof value === 'number'

/** A call, or a notification when it has no `id`. Positional parameters pass here: refusing them is the router's. */
export function isRequest(value: unknown): value is JSONRPCRequest {
  return (
    isObject(value) &&
    value['jsonrpc'] === '2.0' &&
    typeof value['method'] === 'string' &&
    (value['id'] === undefined || isId(value['id'])) &&
    (value['params'] === undefined || (typeof value['params'] === 'object' && value['params'] !== null))
  )
}

export const isNotification = (value: unknown): value is JSONRPCRequest => isRequest(value) && value.id === undefined

export function isResponse(value: unknown): value is JSONRPCResponse {
  return (
    isObject(value) &&
    value['jsonrpc'] === '2.0' &&
    isId(value['id']) &&
    value['method'] === undefined &&
    ('result' in value || isObject(value['error']))
  )
}

/** The id to answer an invalid request with: its own when it has a usable one, else null, as JSON-RPC asks. */
export const idOf = (value: unknown): JSONRPCID => (isObject(value) && isId(value['id']) ? value['id'] : null)

export function errorResponse(id: JSONRPCID, error: ErrorEnvelope): JSONRPCErrorResponse {
  const data = { code: error.code, ...(error.details && { details: error.details }) }
  return { jsonrpc: '2.0', id, error: { code: ERRORS[error.code].rpc, message: error.message, data } }
}

/** The error that the other side answered; one that is not ours is named by its JSON-RPC code. */
export function fromResponseError(error: JSONRPCError): TroupeError {
  const data: unknown = error.data
  const code = isObject(data) ? data['code'] : undefined
  const details = isObject(data) && isObject(data['details']) ? data['details'] : undefined
  return new TroupeError(isErrorCode(code) ? code : codeOf(error.code), error.message, details)
}

const STANDARD: ReadonlyMap<number, ErrorCode> = new Map([
  [-32700, 'PARSE_ERROR'],
  [-32600, 'INVALID_REQUEST'],
  [-32601, 'METHOD_NOT_FOUND'],
  [-32602, 'INVALID_PARAMS'],
])

const codeOf = (rpc: number): ErrorCode => STANDARD.get(rpc) ?? 'INTERNAL'
