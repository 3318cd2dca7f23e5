/** What running a session needs; the host gives the real ones. */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { SessionReport, TaskPlace } from '../engine/ports.ts'
import type { SessionLog } from '../log/types.ts'
import type { AgentSettings, RunEnd, Session } from '../plugin/contract/agent.ts'
import type { HostIo } from '../plugin/host-io.ts'
import type { Sandbox } from '../sandbox/types.ts'
import type { Secret } from '../secrets/redact.ts'

export interface PreparedWorkspace {
  readonly path: string
  readonly baseCommit: string
  /** What a person should know, for example that a file to copy was missing. */
  readonly notices: readonly string[]
}

export interface RunnerWorkspace {
  prepare(
    place: TaskPlace,
    options: { env: Readonly<Record<string, string>>; signal: AbortSignal },
  ): Promise<PreparedWorkspace>
  /** The commit that the task's branch is at; undefined when there is none. */
  headCommit(place: TaskPlace): Promise<string | undefined>
}

/** What the configuration and the user give an agent on a repository. */
export interface AgentSetup {
  readonly settings: AgentSettings
  readonly env: Readonly<Record<string, string>>
  readonly secrets: readonly Secret[]
  /** 0 is for ever. */
  readonly idleMs: number
}

export interface RunnerDeps {
  readonly log: Pick<SessionLog, 'append' | 'delta' | 'close'>
  readonly plugins: { run(session: Session, io: HostIo, signal: AbortSignal): Promise<RunEnd> }
  readonly sandbox: Sandbox
  readonly workspace: RunnerWorkspace
  readonly setup: (agent: string, repositoryPath: string) => AgentSetup
  /** Settles after the commit of the event. */
  readonly report: (sessionId: string, report: SessionReport) => Promise<void>
  /** The host's environment, of which agents get a part. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>
  readonly packageRoot: string
  /** Sessions have their folders below. */
  readonly runRoot: string
  readonly clock: Clock
  readonly logger: Logger
}
