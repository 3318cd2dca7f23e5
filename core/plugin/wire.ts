/**
 * Calls between two threads, both ways.
 *
 * Owns the calls that the other end has not answered yet.
 *
 * W1 Every call settles: with its reply, or with an error once this end or the port is closed. Only when the other end closed the
 *    wire on purpose a call is left without an end: the work that it belongs to is over, and code that was left behind by it
 *    shall neither go on nor end its thread with an error that nobody looks after.
 * W2 Errors travel as envelopes, because their class and code do not survive a thread.
 * W3 Calls are begun in the order of their sending and answered as they finish.
 */
import type { Transferable } from 'node:worker_threads'
import { type ErrorEnvelope, TroupeError, fromEnvelope, toEnvelope } from '../base/errors.ts'

type Params<M, K extends keyof M> = M[K] extends (params: infer P) => unknown ? P : never
type Result<M, K extends keyof M> = M[K] extends (params: never) => infer R ? Awaited<R> : never

/** What serves the methods of `M`, an interface of functions with one parameter or none. */
export type Handlers<M> = {
  readonly [K in keyof M]: (
    params: Params<M, K>,
  ) => Result<M, K> | Transferred<Result<M, K>> | Promise<Result<M, K> | Transferred<Result<M, K>>>
}

export type WireMessage<Value> =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly params: Value }
  | { readonly kind: 'notify'; readonly method: string; readonly params: Value }
  | { readonly kind: 'reply'; readonly id: number; readonly ok: true; readonly value: Value }
  | { readonly kind: 'reply'; readonly id: number; readonly ok: false; readonly error: ErrorEnvelope }

/** What arrives is what the methods of both ends say; the types of `Remote` and `Local` vouch for it. */
export type Received = WireMessage<never>

interface Pending {
  resolve(value: never): void
  reject(error: unknown): void
}

/** A value whose buffers are given away to the other end instead of being copied. */
export class Transferred<T> {
  readonly value: T
  readonly transfer: Transferable[]

  constructor(value: T, transfer: Transferable[]) {
    this.value = value
    this.transfer = transfer
  }
}

/** How a wire reaches its other end: it is one of many in a trunk. */
export interface WireEnd {
  send(message: WireMessage<unknown>, transfer: Transferable[]): void
  /** Tells the other end that nobody listens here any more. */
  close(): void
}

/** One end: calls the methods of `Remote`. Made by a trunk, which gives it what arrives. */
export class Wire<Remote, Local = object> implements Disposable {
  readonly #end: WireEnd
  readonly #handlers: Readonly<Record<string, unknown>>
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #state: 'open' | 'closed' | 'over' = 'open'

  constructor(end: WireEnd, handlers: Handlers<Local>) {
    this.#end = end
    this.#handlers = handlers
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  /** @throws TroupeError that the other end answered, or ABORTED when the wire closes first. */
  call<K extends keyof Remote & string>(method: K, params: Params<Remote, K>): Promise<Result<Remote, K>> {
    if (this.#state === 'over') return new Promise(() => {})
    if (this.#state === 'closed') return Promise.reject(closedError())
    const id = ++this.#lastId
    const reply = Promise.withResolvers<Result<Remote, K>>()
    this.#pending.set(id, reply)
    try {
      this.#end.send({ kind: 'call', id, method, params }, NOTHING)
    } catch (error) {
      this.#pending.delete(id)
      reply.reject(error)
    }
    return reply.promise
  }

  /** Like `call`, for what needs no answer. */
  notify<K extends keyof Remote & string>(method: K, params: Params<Remote, K>): void {
    if (this.isOpen) this.#end.send({ kind: 'notify', method, params }, NOTHING)
  }

  [Symbol.dispose](): void {
    if (!this.isOpen) return
    this.abandon()
    this.#end.close()
  }

  /** For the trunk. */
  async receive(message: Received): Promise<void> {
    if (message.kind === 'reply') return this.#settle(message)
    try {
      const value = await this.#handle(message.method, message.params)
      if (message.kind === 'call') this.#reply(message.id, value)
    } catch (error) {
      if (message.kind === 'call') this.#refuse(message.id, error)
    }
  }

  /** For the trunk: the other end was closed on purpose. W1 */
  forget(): void {
    this.#state = 'over'
    this.#pending.clear()
  }

  /** For the trunk: the port is closed. W1 */
  abandon(): void {
    this.#state = 'closed'
    for (const reply of this.#pending.values()) reply.reject(closedError())
    this.#pending.clear()
  }

  #handle(method: string, params: never): unknown {
    const handler = Object.hasOwn(this.#handlers, method) ? this.#handlers[method] : undefined
    if (typeof handler === 'function') return handler(params)
    throw new TroupeError('METHOD_NOT_FOUND', `This end of the wire has no method "${method}".`)
  }

  #reply(id: number, value: unknown): void {
    if (!this.isOpen) return
    if (value instanceof Transferred)
      this.#end.send({ kind: 'reply', id, ok: true, value: value.value }, value.transfer)
    else this.#end.send({ kind: 'reply', id, ok: true, value }, NOTHING)
  }

  #refuse(id: number, error: unknown): void {
    if (this.isOpen) this.#end.send({ kind: 'reply', id, ok: false, error: toEnvelope(error) }, NOTHING)
  }

  #settle(message: Received & { kind: 'reply' }): void {
    const reply = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (message.ok) reply?.resolve(message.value)
    else reply?.reject(fromEnvelope(message.error))
  }
}

const NOTHING: Transferable[] = []

const closedError = (): TroupeError => new TroupeError('ABORTED', 'The other thread ended before it answered.')
