/** One call of one method: access, parameters, handler, result; and what the caller may know of a failure. */
import type { z } from 'zod'
import { TroupeError, type ErrorCode } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { Logger } from '../base/logger.ts'
import type { Method } from '../contract/method.ts'
import { denial, type AccessRule } from './access.ts'
import { COMMON_ERRORS } from './common-errors.ts'
import type { CallContext, HandlerOf } from './handlers.ts'

export interface MethodRun {
  readonly name: string
  readonly method: Method
  /** Checks the parameters, then calls the handler with what the schema made of them. */
  readonly invoke: (params: unknown, call: CallContext) => Promise<unknown>
  readonly rule: AccessRule
  readonly logger: Logger
  readonly strict: boolean
}

const MAX_ISSUES = 10

/** @throws TroupeError only, fit to be sent to the caller. */
export async function runMethod(run: MethodRun, params: unknown, call: CallContext): Promise<unknown> {
  try {
    assertCallable(run, call)
    const result = await run.invoke(params, call)
    if (run.strict) assertResult(run, result)
    return result
  } catch (error) {
    throw toPublicError(run, error)
  }
}

function assertCallable({ name, method, rule }: MethodRun, call: CallContext): void {
  if (!rule(call.principal, method.access)) throw denial(call.principal, name)
  if (method.subscribes && !call.connection) {
    throw new TroupeError('UNSUPPORTED', `${name} sends notifications, which HTTP cannot carry; call it on /ws.`)
  }
}

/** Ties a method to its handler, while their types are known to fit. */
export function bindMethod<Params extends z.ZodType, Result extends z.ZodType>(
  name: string,
  method: Method<Params, Result>,
  handler: HandlerOf<Method<Params, Result>>,
) {
  return {
    name,
    method,
    invoke: (params: unknown, call: CallContext): Promise<unknown> => {
      assertNamed(name, params)
      const parsed = method.params.safeParse(params ?? {})
      if (!parsed.success) throw invalidParams(name, parsed.error)
      return handler(parsed.data, call)
    },
  }
}

function assertNamed(name: string, params: unknown): void {
  if (!Array.isArray(params)) return
  throw new TroupeError('INVALID_PARAMS', `${name} takes its parameters by name; send an object, not an array.`)
}

function invalidParams(name: string, error: z.ZodError): TroupeError {
  const issues = error.issues.slice(0, MAX_ISSUES).map(toIssue)
  const words = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ')
  return new TroupeError('INVALID_PARAMS', `The parameters of ${name} are not right. ${words}`, { issues })
}

const toIssue = (issue: z.core.$ZodIssue) => ({ path: issue.path.map(String).join('.'), message: issue.message })

function assertResult({ name, method }: MethodRun, result: unknown): void {
  const parsed = method.result.safeParse(result)
  if (!parsed.success) throw new Error(`the result of ${name} is not what its contract says`, { cause: parsed.error })
}

/** An error of the table passes; anything else is a defect: the log gets it, the caller a reference to look for. */
function toPublicError({ name, method, logger, strict }: MethodRun, error: unknown): TroupeError {
  if (error instanceof TroupeError && error.code !== 'INTERNAL') {
    if (strict && !isDeclared(method, error.code)) {
      logger.warn({ method: name, code: error.code }, 'a method answered an error that its contract does not list')
    }
    return error
  }
  const reference = newId().slice(-12)
  logger.error({ err: error, method: name, reference }, 'a method failed')
  const message = `${name} failed inside Troupe. The log of the host has the details under ${reference}.`
  return new TroupeError('INTERNAL', message, { reference })
}

const isDeclared = (method: Method, code: ErrorCode): boolean =>
  method.errors.includes(code) || COMMON_ERRORS.includes(code)
