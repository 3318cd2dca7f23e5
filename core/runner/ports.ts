/** What running a session needs; the host gives the real ones. */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { SessionReport, TaskPlace } from '../engine/ports.ts'
import type { SessionLog } from '../log/types.ts'
import type { AgentSettings } from '../plugin/contract/agent.ts'
import type { PluginEnd, PluginWork } from '../plugin/plugin-host.ts'
import type { ProcessSandbox } from '../sandbox/process-sandbox.ts'
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
  readonly plugins: {
    /** Has a thread ready while the workspace is being prepared. */
    prepare?(agent: string): void
    /** The installed version of a plugin that a session of this agent would begin with now. */
    pin?(agent: string): string | undefined
    /** Its sessions are given a question server. */
    wantsQuestionServer?(agent: string): boolean
    run(work: PluginWork): Promise<PluginEnd>
  }
  readonly sandbox: ProcessSandbox
  readonly workspace: RunnerWorkspace
  readonly setup: (agent: string, repositoryPath: string) => AgentSetup
  /** Settles after the commit of the event; one of an id is taken once. */
  readonly report: (sessionId: string, report: SessionReport, id?: string) => Promise<void>
  /** The host's environment, of which agents get a part. */
  readonly hostEnv: Readonly<Record<string, string | undefined>>
  readonly packageRoot: string
  /** Sessions have their folders below. */
  readonly runRoot: string
  readonly clock: Clock
  readonly logger: Logger
  /** False: sessions that others left at work are kept as they are, and ended when asked; nobody drives their agents. */
  readonly drives: boolean
  /** Asked when the runner is disposed of. */
  readonly atEnd: () => SessionsAtEnd
}

/**
 * What becomes of sessions at work when their host ends: `end` ends their processes, and their tasks go on in new sessions;
 * `leave` lets the processes work on, for the next host to go on with them.
 */
export type SessionsAtEnd = 'end' | 'leave'
