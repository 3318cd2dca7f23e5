/** What every command gets. */
import type { DataDirectory, Environment } from '../data-directory.ts'
import type { Shutdown } from '../shutdown.ts'
import type { Connection, ConnectOptions } from './connection.ts'
import type { Output } from './output.ts'
import type { ComposeHost } from './own-host.ts'
import type { Streams } from './streams.ts'

export interface CommandContext {
  readonly env: Environment
  readonly cwd: string
  readonly streams: Streams
  readonly output: Output
  readonly shutdown: Shutdown
  /** Aborts when the command shall end: a signal, or nobody reads what it prints. */
  readonly signal: AbortSignal
  readonly compose: ComposeHost
  /** Show the warnings of an own host. */
  readonly verbose: boolean
  /** Opened at the first call. */
  dataDirectory(): Promise<DataDirectory>
  /** Default: in this process if no host runs, without beginning sessions. */
  connect(options?: Partial<Pick<ConnectOptions, 'otherwise' | 'startsSessions'>>): Promise<Connection>
}
