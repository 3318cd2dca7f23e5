/** Changes of tasks, across lost connections. */
import { fromEnvelope, TroupeError } from '../../base/errors.ts'
import { sleep } from '../../base/waiting.ts'
import type { UnitTask } from '../../contract/records.ts'
import type { CallOptions } from '../requester.ts'
import type { Client } from './client.ts'
import { RETRY_MS, retried } from './retried.ts'
import { subscription, type Subscribed } from './subscription.ts'

export interface TaskFollower {
  /** Heard at first and after each interruption: what changed before is not told, so read what is shown now. */
  readonly subscribed?: () => void | Promise<void>
  /** The record as it is after the change; undefined when it was deleted. */
  readonly changed: (taskId: string, task: UnitTask | undefined) => void | Promise<void>
}

/**
 * Tells of every change of one task, or of all without `id`, until the signal aborts.
 * @throws TroupeError as the host says why it ended; HOST_UNREACHABLE when it does not come back; the signal's reason.
 */
export async function followTasks(
  client: Client,
  filter: { readonly id?: string },
  follower: TaskFollower,
  signal: AbortSignal,
): Promise<void> {
  const subscribe = (options: CallOptions<Subscribed>) => client.call('subscribeTasks', filter, options)

  /** True when the host has nothing more to tell. */
  async function follow(): Promise<boolean> {
    for await (const event of subscription(client, subscribe, signal)) {
      if (event.name === 'subscribed') await follower.subscribed?.()
      if (event.name === 'taskChanged') await follower.changed(event.params.taskId, event.params.task)
      if (event.name === 'subscriptionEnded' && event.params.reason === 'failed') throw failureOf(event.params.error)
      if (event.name === 'subscriptionEnded' && event.params.reason === 'ended') return true
    }
    return false
  }

  while (!(await retried(client, follow))) await sleep(RETRY_MS, signal)
}

const failureOf = (error: Parameters<typeof fromEnvelope>[0] | undefined): TroupeError =>
  error ? fromEnvelope(error) : new TroupeError('INTERNAL', 'Tasks cannot be followed; see the log of the host.')
