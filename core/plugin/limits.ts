/** How much a plugin may take. */
export interface PluginLimits {
  /** JavaScript memory of one thread, in MiB. */
  readonly memoryMb: number
  /** A thread that does not answer for this long is ended. */
  readonly unresponsiveMs: number
  /** The code of a plugin must be loaded by then. */
  readonly loadMs: number
  /** A session that was asked to stop must have returned by then. */
  readonly stopMs: number
  readonly detectMs: number
  /**
   * How many sessions of one plugin share a thread. Above 1 it saves memory, but a session that kills its thread takes
   * the others along.
   */
  readonly sessionsPerThread: number
  /** Empty threads kept ready, so that a session need not wait for one. */
  readonly spareThreads: 0 | 1
}

export const DEFAULT_LIMITS: PluginLimits = {
  memoryMb: 256,
  unresponsiveMs: 10_000,
  loadMs: 20_000,
  stopMs: 10_000,
  detectMs: 20_000,
  sessionsPerThread: 1,
  spareThreads: 1,
}
