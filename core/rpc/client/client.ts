/** The catalogue as a typed client. */
import { TroupeError } from '../../base/errors.ts'
import type { MethodName, MethodParams, MethodResult } from '../../contract/catalogue.ts'
import type { NotificationName, NotificationParams } from '../../contract/notifications.ts'
import { isObject } from '../envelope.ts'
import type { CallOptions } from '../requester.ts'
import type { ClientConnection } from './connection.ts'

export interface Client {
  readonly connection: ClientConnection
  /**
   * Calls a method: `const { task } = await client.call('getUnitTask', { id })`.
   * @throws TroupeError with the code that the host answered; HOST_UNREACHABLE, TIMEOUT or ABORTED without an answer.
   */
  call<Name extends MethodName>(
    name: Name,
    params: MethodParams<Name>,
    options?: CallOptions<MethodResult<Name>>,
  ): Promise<MethodResult<Name>>
  /** Hears of all notifications of a name; `followLog` and `followTasks` are easier for subscriptions. */
  on<Name extends NotificationName>(name: Name, handler: (params: NotificationParams<Name>) => void): Disposable
}

export function makeClient(connection: ClientConnection): Client {
  return {
    connection,
    async call(name, params, options) {
      const onResult = (early: unknown) => isResultOf(name, early) && options?.onResult?.(early)
      const result = await connection.request(name, params, { ...options, onResult })
      if (isResultOf(name, result)) return result
      throw new TroupeError('INTERNAL', `The host answered ${name} with something else than an object.`)
    },
    on: (name, handler) =>
      connection.onNotification((heard, params) => {
        if (heard === name && isParamsOf(name, params)) handler(params)
      }),
  }
}

/** Every result and notification is an object; that it is the right one is trusted: host and client share the contract. */
const isResultOf = <Name extends MethodName>(_: Name, value: unknown): value is MethodResult<Name> => isObject(value)
const isParamsOf = <Name extends NotificationName>(_: Name, value: unknown): value is NotificationParams<Name> =>
  isObject(value)
