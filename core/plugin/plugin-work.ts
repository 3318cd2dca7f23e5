/** What the plugin host is given to run, and how that ends. */
import type { ErrorEnvelope } from '../base/errors.ts'
import type { RunEnd, Session } from './contract/agent.ts'
import type { HostIo, Progress } from './host-io.ts'

/** A session to run. */
export interface PluginWork {
  readonly session: Session
  readonly io: HostIo
  /** Asks the session to stop. */
  readonly signal: AbortSignal
  /** What was last committed, when the session is continued; its checkpoint is that of the session. */
  readonly progress?: Progress
  /** In a thread that it shares with no other session: for one that was interrupted before. */
  readonly alone?: boolean
  /** The installed version that it began with, by its key; without it the one that new sessions run. */
  readonly plugin?: string
}

/**
 * `interrupted`: the thread under the session is over, though nobody asked it to stop. Its processes were not touched; it can be
 * continued from what it committed last. `error` says why, and names the plugin.
 */
export type PluginEnd = RunEnd | { readonly kind: 'interrupted'; readonly error: ErrorEnvelope }
