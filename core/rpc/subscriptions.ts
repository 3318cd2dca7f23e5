/** The subscriptions that one connection holds: bounded in number, all disposed with the connection. */
import { TroupeError } from '../base/errors.ts'

export interface Subscriptions extends Disposable {
  /** @throws TroupeError LIMIT_SUBSCRIPTIONS or ABORTED, with the subscription disposed. */
  readonly keep: (id: string, subscription: Disposable) => void
  /** Disposes one; false when there is none of this id. */
  readonly drop: (id: string) => boolean
}

export function makeSubscriptions(limit: number): Subscriptions {
  const kept = new Map<string, Disposable>()
  let ended = false

  function refusal(): TroupeError | undefined {
    if (ended) return new TroupeError('ABORTED', 'The connection ended before its subscription began.')
    if (kept.size < limit) return undefined
    return new TroupeError(
      'LIMIT_SUBSCRIPTIONS',
      `The connection holds ${limit} subscriptions; end some with unsubscribe, or open another connection.`,
    )
  }

  function drop(id: string): boolean {
    const subscription = kept.get(id)
    kept.delete(id)
    subscription?.[Symbol.dispose]()
    return subscription !== undefined
  }

  return {
    keep(id, subscription) {
      const refused = refusal()
      if (refused) {
        subscription[Symbol.dispose]()
        throw refused
      }
      drop(id)
      kept.set(id, subscription)
    },
    drop,
    [Symbol.dispose]() {
      ended = true
      for (const id of kept.keys()) drop(id)
    },
  }
}
