/**
 * What a plugin in a process of its own calls of the host, checked before it is served: where a thread runs the host's code, which
 * says only what the contract allows, a process may say anything.
 */
import { type z } from 'zod'
import { TroupeError, fail, toEnvelope } from '../base/errors.ts'
import { type MessageShapes, toMessageJson } from './message-check.ts'
import { toMessageShapes } from './message-shapes.ts'
import type { DetectMethods, SessionMethods } from './protocol.ts'
import { checked, detectParams, sessionParams } from './requests.ts'
import { parseUntrusted } from './untrusted-json.ts'
import type { Handlers } from './wire.ts'

/** How many calls of one job may wait for their answers. */
const MOST_CALLS = 10_000

let shapes: MessageShapes | undefined

/** What the contract does not allow ends the session. */
export function checkedSession(handlers: Handlers<SessionMethods>): Handlers<SessionMethods> {
  const check = makeCheck((error) => {
    if (error instanceof TroupeError && error.code === 'PLUGIN_MESSAGE') void handlers.failed(toEnvelope(error))
  })
  const is = sessionParams
  return {
    spawn: check('spawn', is.spawn, (command) => handlers.spawn(command)),
    read: check('read', is.read, (process) => handlers.read(process)),
    exited: check('exited', is.exited, (process) => handlers.exited(process)),
    write: check('write', is.write, (request) => handlers.write(request)),
    signal: check('signal', is.signal, (request) => handlers.signal(request)),
    stop: check('stop', is.stop, (process) => handlers.stop(process)),
    append: check('append', is.append, ({ messages, progress }) =>
      handlers.append({ messages: messages.map(toMessage), progress }),
    ),
    delta: check('delta', is.delta, (fragment) => handlers.delta(fragment)),
    ask: check('ask', is.ask, (request) => handlers.ask(request)),
    withdraw: check('withdraw', is.withdraw, (id) => handlers.withdraw(id)),
    nextFollowUp: check('nextFollowUp', is.nextFollowUp, (nothing) => handlers.nextFollowUp(nothing)),
    debug: check('debug', is.debug, (text) => handlers.debug(text)),
    failed: check('failed', is.failed, ({ code, message }) => handlers.failed({ code, message })),
  }
}

export function checkedDetection(handlers: Handlers<DetectMethods>): Handlers<DetectMethods> {
  const check = makeCheck(() => {})
  const is = detectParams
  return {
    find: check('find', is.find, (program) => handlers.find(program)),
    run: check('run', is.run, (request) => handlers.run(request)),
    hasSecret: check('hasSecret', is.hasSecret, (name) => handlers.hasSecret(name)),
    fileExists: check('fileExists', is.fileExists, (path) => handlers.fileExists(path)),
  }
}

/** As a thread writes it, or an error that ends the call. */
function toMessage(json: string): string {
  try {
    return toMessageJson((shapes ??= toMessageShapes()), parseUntrusted(json))
  } catch (error) {
    return fail('PLUGIN_MESSAGE', `A message is not what the plugin contract allows: ${String(error)}.`)
  }
}

function makeCheck(onError: (error: unknown) => void) {
  let calls = 0
  return <Params, Result>(name: string, schema: z.ZodType<Params>, serve: (params: Params) => Result) =>
    async (params: unknown): Promise<Awaited<Result>> => {
      calls += 1
      try {
        if (calls > MOST_CALLS) fail('PLUGIN_MESSAGE', `The plugin calls "${name}" without waiting for answers.`)
        return await serve(checked(schema, params, `The parameters of "${name}"`))
      } catch (error) {
        onError(error)
        throw error
      } finally {
        calls -= 1
      }
    }
}
