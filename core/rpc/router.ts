/** From a JSON-RPC text to a handler and back. Knows methods, and nothing of how texts travel. */
import { JSONRPCServer, type JSONRPCResponse } from 'json-rpc-2.0'
import { toEnvelope, TroupeError } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { catalogue, type Catalogue } from '../contract/catalogue.ts'
import { mayCall, type AccessRule } from './access.ts'
import { errorResponse, idOf, isRequest, type JSONRPCID } from './envelope.ts'
import type { CallContext, HandlersOf, MethodTable } from './handlers.ts'
import { parseJson } from './json-text.ts'
import { routerLimits, type RouterLimits } from './limits.ts'
import { bindMethod, runMethod, type MethodRun } from './run-method.ts'

export interface RouterOptions<Table extends MethodTable> {
  readonly handlers: HandlersOf<Table>
  readonly logger: Logger
  readonly limits?: Partial<RouterLimits>
  /** Default: `mayCall`. */
  readonly rule?: AccessRule
  /** Also holds results against their schemas and errors against the declared ones: for development and tests. */
  readonly strict?: boolean
}

export interface Router {
  readonly limits: RouterLimits
  readonly logger: Logger
  /** Answers the text of one request or batch; undefined when there is nothing to say. Never rejects. */
  answer(text: string, call: CallContext): Promise<string | undefined>
  /** The same for a value that was parsed with `parse`. */
  answerValue(value: unknown, call: CallContext): Promise<string | undefined>
  /** @throws TroupeError PARSE_ERROR or LIMIT_DEPTH. */
  parse(text: string): unknown
}

/** A router for the catalogue of Troupe. */
export const makeRouter = (options: RouterOptions<Catalogue>): Router => makeRouterOf(catalogue, options)

/** A router for any table of methods. */
export function makeRouterOf<Table extends MethodTable>(table: Table, options: RouterOptions<Table>): Router {
  const limits = { ...routerLimits, ...options.limits }
  const server = makeServer(methodRuns(table, options))

  async function answerOne(value: unknown, call: CallContext): Promise<string | undefined> {
    if (!isRequest(value)) return refusal(idOf(value), NOT_A_REQUEST)
    const response = await server.receive(value, call)
    return response === null ? undefined : toText(response, value.method, options.logger)
  }

  async function answerBatch(values: readonly unknown[], call: CallContext): Promise<string | undefined> {
    if (values.length === 0) return refusal(null, NOT_A_REQUEST)
    if (values.length > limits.batch) return refusal(null, tooManyCalls(values.length, limits.batch))
    const texts = await Promise.all(values.map((value) => answerOne(value, call)))
    const said = texts.filter((text) => text !== undefined)
    return said.length === 0 ? undefined : `[${said.join(',')}]`
  }

  const answerValue = (value: unknown, call: CallContext) =>
    Array.isArray(value) ? answerBatch(value, call) : answerOne(value, call)
  const parse = (text: string) => parseJson(text, limits.depth)

  async function answer(text: string, call: CallContext): Promise<string | undefined> {
    let value: unknown
    try {
      value = parse(text)
    } catch (error) {
      return refusal(null, error)
    }
    return answerValue(value, call)
  }

  return { limits, logger: options.logger, answer, answerValue, parse }
}

/** A response without a call: what came could not be read as one. */
export const refusal = (id: JSONRPCID, error: unknown): string => JSON.stringify(errorResponse(id, toEnvelope(error)))

const NOT_A_REQUEST = new TroupeError(
  'INVALID_REQUEST',
  'This is not a JSON-RPC 2.0 request; send {"jsonrpc":"2.0","id":1,"method":"getVersion","params":{}}.',
)

const tooManyCalls = (calls: number, limit: number): TroupeError =>
  new TroupeError('LIMIT_BATCH', `The batch holds ${calls} calls; send at most ${limit} at a time.`)

function methodRuns<Table extends MethodTable>(table: Table, options: RouterOptions<Table>): MethodRun[] {
  const { handlers, logger, strict = false, rule = mayCall } = options
  const runs: MethodRun[] = []
  for (const name in table) {
    const method = table[name]
    const handler = handlers[name]
    if (method && handler) runs.push({ ...bindMethod(name, method, handler), rule, logger, strict })
  }
  return runs
}

/** Methods are in a Map of the library, so `__proto__` and `constructor` are names like any other. */
function makeServer(runs: readonly MethodRun[]): JSONRPCServer<CallContext> {
  const server = new JSONRPCServer<CallContext>({ errorListener() {} })
  server.mapErrorToJSONRPCErrorResponse = (id, error) => errorResponse(id, toEnvelope(error))
  server.handleMethodNotFound = (request) => {
    const message = `There is no method ${JSON.stringify(request.method.slice(0, 100))}; see the reference of methods.`
    const unknown = new TroupeError('METHOD_NOT_FOUND', message)
    return Promise.resolve(request.id === undefined ? null : errorResponse(request.id, unknown))
  }
  for (const run of runs) server.addMethod(run.name, (params, call) => runMethod(run, params, call))
  return server
}

function toText(response: JSONRPCResponse, method: string, logger: Logger): string {
  try {
    return JSON.stringify(response)
  } catch (error) {
    logger.error({ err: error, method }, 'a result cannot be written as JSON')
    return refusal(response.id, new TroupeError('INTERNAL', `${method} gave a result that cannot be sent.`))
  }
}
