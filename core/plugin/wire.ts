/**
 * Calls over a MessagePort, both ways.
 *
 * Owns the port and the calls that the other end has not answered yet.
 *
 * W1 Every call settles: with its reply, or with an error once the port is closed.
 * W2 Errors travel as envelopes, because their class and code do not survive a thread.
 * W3 Calls are begun in the order of their sending and answered as they finish.
 */
import type { MessagePort, Transferable } from 'node:worker_threads'
import { type ErrorEnvelope, TroupeError, fromEnvelope, toEnvelope } from '../base/errors.ts'

type Params<M, K extends keyof M> = M[K] extends (params: infer P) => unknown ? P : never
type Result<M, K extends keyof M> = M[K] extends (params: never) => infer R ? Awaited<R> : never

/** What serves the methods of `M`, an interface of functions with one parameter or none. */
export type Handlers<M> = {
  readonly [K in keyof M]: (
    params: Params<M, K>,
  ) => Result<M, K> | Transferred<Result<M, K>> | Promise<Result<M, K> | Transferred<Result<M, K>>>
}

type WireMessage<Value> =
  | { readonly kind: 'call'; readonly id: number; readonly method: string; readonly params: Value }
  | { readonly kind: 'notify'; readonly method: string; readonly params: Value }
  | { readonly kind: 'reply'; readonly id: number; readonly ok: true; readonly value: Value }
  | { readonly kind: 'reply'; readonly id: number; readonly ok: false; readonly error: ErrorEnvelope }

/** What arrives is what the methods of both ends say; the types of `Remote` and `Local` vouch for it. */
type Received = WireMessage<never>

interface Pending {
  resolve(value: never): void
  reject(error: unknown): void
}

/** A value whose buffers or ports are given away to the other end instead of being copied. */
export class Transferred<T> {
  readonly value: T
  readonly transfer: readonly Transferable[]

  constructor(value: T, transfer: readonly Transferable[]) {
    this.value = value
    this.transfer = transfer
  }
}

/** One end of a port: calls the methods of `Remote`. */
export class Wire<Remote, Local = object> implements Disposable {
  readonly #port: MessagePort
  readonly #handlers: ReadonlyMap<string, (params: never) => unknown>
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #open = true
  /** Settles when the port is closed and all that the other end sent before was received. */
  readonly closed: Promise<void>

  constructor(port: MessagePort, handlers: Handlers<Local>) {
    this.#port = port
    this.#handlers = new Map(Object.entries(handlers))
    const closed = Promise.withResolvers<void>()
    this.closed = closed.promise
    port.on('message', (message: Received) => void this.#receive(message))
    port.on('close', () => {
      this.#abandon()
      closed.resolve()
    })
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** @throws TroupeError that the other end answered, or ABORTED when the port closes first. */
  call<K extends keyof Remote & string>(
    method: K,
    params: Params<Remote, K>,
    transfer: readonly Transferable[] = [],
  ): Promise<Result<Remote, K>> {
    if (!this.#open) return Promise.reject(closedError())
    const id = ++this.#lastId
    const reply = Promise.withResolvers<Result<Remote, K>>()
    this.#pending.set(id, reply)
    try {
      this.#send({ kind: 'call', id, method, params }, transfer)
    } catch (error) {
      this.#pending.delete(id)
      reply.reject(error)
    }
    return reply.promise
  }

  /** Like `call`, for what needs no answer. */
  notify<K extends keyof Remote & string>(method: K, params: Params<Remote, K>): void {
    this.#send({ kind: 'notify', method, params })
  }

  [Symbol.dispose](): void {
    this.#abandon()
    this.#port.close()
  }

  #send(message: WireMessage<unknown>, transfer: readonly Transferable[] = []): void {
    this.#port.postMessage(message, [...transfer])
  }

  async #receive(message: Received): Promise<void> {
    if (message.kind === 'reply') return this.#settle(message)
    try {
      const value = await this.#handle(message.method, message.params)
      if (message.kind === 'call') this.#reply(message.id, value)
    } catch (error) {
      if (message.kind === 'call') this.#send({ kind: 'reply', id: message.id, ok: false, error: toEnvelope(error) })
    }
  }

  #handle(method: string, params: never): unknown {
    const handler = this.#handlers.get(method)
    if (!handler) throw new TroupeError('METHOD_NOT_FOUND', `This end of the wire has no method "${method}".`)
    return handler(params)
  }

  #reply(id: number, value: unknown): void {
    if (value instanceof Transferred) this.#send({ kind: 'reply', id, ok: true, value: value.value }, value.transfer)
    else this.#send({ kind: 'reply', id, ok: true, value })
  }

  #settle(message: Received & { kind: 'reply' }): void {
    const reply = this.#pending.get(message.id)
    this.#pending.delete(message.id)
    if (message.ok) reply?.resolve(message.value)
    else reply?.reject(fromEnvelope(message.error))
  }

  // W1
  #abandon(): void {
    this.#open = false
    for (const reply of this.#pending.values()) {
      reply.reject(closedError())
    }
    this.#pending.clear()
  }
}

const closedError = (): TroupeError => new TroupeError('ABORTED', 'The other thread ended before it answered.')
