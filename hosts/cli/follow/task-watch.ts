/**
 * The state of one task as it changes. Owns: the subscription, until disposed.
 *
 * 1. The newest state counts: one that was read before a change that is known already is left out.
 * 2. Every wait ends: at a change, when the signal aborts, or when the host can tell no more.
 */
import { TroupeError, fail } from '../../../core/base/errors.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import { type Client, followTasks } from '../../../core/rpc/client/index.ts'

export interface TaskWatch extends Disposable {
  /** The newest state. */
  readonly task: UnitTask
  /** Settles at the next change after the call. */
  changed(): Promise<void>
}

/** @throws TroupeError NOT_FOUND, also from `changed` when the task was deleted; the signal's reason */
export async function watchTask(
  client: Client,
  id: string,
  signal: AbortSignal,
  onChange: (task: UnitTask) => void,
): Promise<TaskWatch> {
  const watching = new AbortController()
  let task: UnitTask | undefined
  let next = Promise.withResolvers<void>()

  function set(newer: UnitTask): void {
    if (task && newer.updatedAt < task.updatedAt) return
    task = newer
    onChange(newer)
    next.resolve()
    next = Promise.withResolvers()
  }

  function end(reason: unknown): void {
    next.promise.catch(() => {}) // Nobody may be waiting.
    next.reject(reason)
  }

  const follower = {
    subscribed: async () => set((await client.call('getUnitTask', { id }, { signal: watching.signal })).task),
    changed: (_id: string, newer: UnitTask | undefined) =>
      newer ? set(newer) : end(new TroupeError('NOT_FOUND', 'The task was deleted.')),
  }
  followTasks(client, { id }, follower, AbortSignal.any([signal, watching.signal])).then(
    () => end(new TroupeError('HOST_UNREACHABLE', 'The host tells no more of the task.')),
    end,
  )
  await next.promise
  return {
    get task() {
      return task ?? fail('INTERNAL', 'The task was never read.')
    },
    changed: () => next.promise,
    [Symbol.dispose]: () => watching.abort(),
  }
}
