/** Who wants to know that an actor has changed, told after the commit (E6). */
import type { MachineName } from '../machines/effects.ts'

export interface Change {
  readonly machine: MachineName
  readonly actorId: string
  /** The task that it is or belongs to. */
  readonly taskId: string
}

export interface Changes {
  subscribe(listener: (change: Change) => void): Disposable
  publish(changes: readonly Change[]): void
}

export function makeChanges(): Changes {
  const listeners = new Set<(change: Change) => void>()
  return {
    subscribe(listener) {
      listeners.add(listener)
      return { [Symbol.dispose]: () => void listeners.delete(listener) }
    },
    publish(changes) {
      for (const change of changes) for (const listener of listeners) listener(change)
    },
  }
}
