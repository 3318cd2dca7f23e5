/** What a method's implementation looks like, and what it sees of its caller. */
import type { Catalogue } from '../contract/catalogue.ts'
import type { Method, ParsedParamsOf, ResultOf } from '../contract/method.ts'
import type { NotificationName, NotificationParams } from '../contract/notifications.ts'
import type { Principal } from './access.ts'
import type { Piece } from './channel.ts'
import type { Requester } from './requester.ts'

/** Methods by name; `catalogue` is one. */
export type MethodTable = Readonly<Record<string, Method>>

/**
 * The way back to a caller that stays connected. A connection given to a call sends nothing before that call is
 * answered, so that a client knows a subscription's id when its first notification comes: a handler must not await
 * `notify` before it returns.
 */
export interface Connection extends Requester {
  /**
   * Settles when the peer's socket took it; waiting for that is the backpressure of a subscription.
   * @throws TroupeError HOST_UNREACHABLE when the connection has ended.
   */
  notify<Name extends NotificationName>(name: Name, params: NotificationParams<Name>): Promise<void>
  /** The same, with parameters that are JSON text already: log entries are spliced, never parsed and written again. */
  notifyRaw(name: NotificationName, ...jsonParams: readonly Piece[]): Promise<void>
  /** Aborts when the connection has ended. */
  readonly closed: AbortSignal
  /**
   * Holds a subscription until it is dropped or the connection ends; then it is disposed.
   * @throws TroupeError LIMIT_SUBSCRIPTIONS, with the subscription disposed; ABORTED when the connection has ended.
   */
  keep(subscriptionId: string, subscription: Disposable): void
  /** Disposes a subscription; false when there is none of this id. */
  drop(subscriptionId: string): boolean
}

export interface CallContext {
  readonly principal: Principal
  /** Aborts when the caller gave up, its connection ended or the host shuts down. */
  readonly signal: AbortSignal
  /** Absent on transports that carry no notifications (HTTP). */
  readonly connection?: Connection
}

export type HandlerOf<M extends Method> = (params: ParsedParamsOf<M>, call: CallContext) => Promise<ResultOf<M>>

export type HandlersOf<Table extends MethodTable> = { readonly [Name in keyof Table]: HandlerOf<Table[Name]> }

/** The whole catalogue implemented. */
export type Handlers = HandlersOf<Catalogue>
