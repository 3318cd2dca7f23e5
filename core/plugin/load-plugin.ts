/** Brings the code of a plugin into a thread. */
import type { Clock } from '../base/clock.ts'
import { TroupeError } from '../base/errors.ts'
import type { PluginLimits } from './limits.ts'
import type { Lease } from './pool.ts'
import type { JobMethods, PluginEntry } from './protocol.ts'
import { whileAlive } from './while-alive.ts'
import type { Wire } from './wire.ts'

export interface LoadOptions {
  readonly limits: PluginLimits
  readonly clock: Clock
}

/** @throws TroupeError PLUGIN_LOAD, also when the code does not finish loading within `limits.loadMs`. */
export async function loadPlugin(wire: Wire<JobMethods>, entry: PluginEntry, options: LoadOptions): Promise<void> {
  const { limits, clock } = options
  const late = Promise.withResolvers<never>()
  using bounds = new DisposableStack()
  bounds.use(clock.after(limits.loadMs, () => late.reject(lateError(entry, limits.loadMs))))
  await Promise.race([wire.call('load', entry), late.promise])
}

/**
 * Loads a plugin and nothing more.
 * @throws TroupeError PLUGIN_LOAD, or why its thread is over.
 */
export async function checkPlugin(lease: Lease, entry: PluginEntry, options: LoadOptions): Promise<void> {
  using wire = lease.open<JobMethods, object>({})
  await whileAlive({ lease, entry, limits: options.limits }, wire, loadPlugin(wire, entry, options))
}

const lateError = ({ name }: PluginEntry, ms: number): TroupeError =>
  new TroupeError(
    'PLUGIN_LOAD',
    `The code of the plugin "${name}" did not finish loading within ${ms / 1000} s; look for an await at its top level.`,
  )
