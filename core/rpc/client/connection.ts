/** What a typed client stands on: any transport that can ask, and may be told. */
import type { Requester } from '../requester.ts'

export interface ClientConnection extends Requester, AsyncDisposable {
  /** Hears of every notification, at once and in order; HTTP never has any. */
  onNotification(listener: (name: string, params: unknown) => void): Disposable
  /** Called whenever the connection is back after it was lost: what it had subscribed to is gone by then. */
  onReconnect(listener: () => void): Disposable
  /** Aborts when the connection has ended for good; its reason is a TroupeError. */
  readonly closed: AbortSignal
}

/** A set of listeners; one that throws is an uncaught error of its own and keeps no other from hearing. */
export interface Listeners<Args extends unknown[]> {
  readonly add: (listener: (...args: Args) => void) => Disposable
  readonly call: (...args: Args) => void
}

export function makeListeners<Args extends unknown[]>(): Listeners<Args> {
  const entries = new Set<{ readonly listener: (...args: Args) => void }>()
  return {
    add(listener) {
      const entry = { listener }
      entries.add(entry)
      return { [Symbol.dispose]: () => void entries.delete(entry) }
    },
    call(...args) {
      for (const { listener } of entries) {
        try {
          listener(...args)
        } catch (error) {
          queueMicrotask(() => {
            throw error
          })
        }
      }
    },
  }
}
