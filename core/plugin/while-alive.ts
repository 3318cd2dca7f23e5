/** Work in a thread that may end under it. */
import type { PluginLimits } from './limits.ts'
import { toError } from './plugin-thread.ts'
import type { Lease } from './pool.ts'
import type { JobMethods, PluginEntry } from './protocol.ts'
import type { Wire } from './wire.ts'

export interface ThreadWork {
  readonly lease: Lease
  readonly entry: PluginEntry
  readonly limits: PluginLimits
}

/** Settles as `work` does, or throws why the thread under it is over. */
export async function whileAlive<T>(
  { lease, entry, limits }: ThreadWork,
  wire: Wire<JobMethods>,
  work: Promise<T>,
): Promise<T> {
  const over = lease.over.then((reason): never => {
    throw toError(reason, entry.name, limits)
  })
  try {
    return await Promise.race([work, over])
  } catch (error) {
    if (wire.isOpen) throw error
    return await over
  }
}
