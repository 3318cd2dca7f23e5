/** The catalogue as an OpenRPC document, served at `/openrpc.json`. */
import { ERRORS, type ErrorCode } from '../../base/errors.ts'
import { groups } from '../../contract/catalogue.ts'
import type { Method } from '../../contract/method.ts'
import { contractSchemas, type ContractSchemas, type JsonSchema } from './schemas.ts'

/** Grows when a method changes in a way that callers notice. */
const CONTRACT_VERSION = '1.0.0'

export function openRpcDocument(): object {
  const schemas = contractSchemas()
  return {
    openrpc: '1.3.2',
    info: {
      title: 'Troupe',
      version: CONTRACT_VERSION,
      description: 'JSON-RPC 2.0 over HTTP POST /rpc, WebSocket /ws and a unix socket. Parameters go by name.',
      license: { name: 'Apache-2.0' },
    },
    methods: Object.entries(groups).flatMap(([group, methods]) =>
      Object.entries<Method>(methods).map(([name, method]) => toMethod(group, name, method, schemas)),
    ),
    'x-notifications': [...schemas.notifications].map(([name, params]) => ({ name, params })),
    components: { schemas: Object.fromEntries(schemas.types) },
  }
}

let text: string | undefined

/** The document as it is served; made once. */
export const openRpcText = (): string => (text ??= JSON.stringify(openRpcDocument()))

function toMethod(group: string, name: string, method: Method, schemas: ContractSchemas): object {
  return {
    name,
    summary: method.doc,
    tags: [{ name: group }],
    paramStructure: 'by-name',
    params: toParams(schemas.params.get(name)),
    result: { name: 'result', schema: schemas.results.get(name) },
    errors: method.errors.map(toError),
    'x-access': method.access,
    ...(method.subscribes && { 'x-subscribes': true }),
  }
}

function toParams(schema: JsonSchema | undefined): object[] {
  const required = new Set(schema?.required)
  return Object.entries(schema?.properties ?? {}).map(([name, property]) => ({
    name,
    ...(required.has(name) && { required: true }),
    schema: property,
  }))
}

const toError = (code: ErrorCode): object => ({ code: ERRORS[code].rpc, message: ERRORS[code].doc, data: { code } })
