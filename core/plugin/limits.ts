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
  /** How many sessions share a thread, if their plugin lets them. */
  readonly sessionsPerThread: number
  /** How long a thread without work is kept for the next session. */
  readonly lingerMs: number
}

export const DEFAULT_LIMITS: PluginLimits = {
  memoryMb: 512,
  unresponsiveMs: 10_000,
  loadMs: 20_000,
  stopMs: 10_000,
  detectMs: 20_000,
  sessionsPerThread: 1000,
  lingerMs: 60_000,
}
