/** What the handlers need; the host composes it. */
import type { Clock } from '../base/clock.ts'
import type { Json } from '../base/json.ts'
import type { Logger } from '../base/logger.ts'
import type { MethodResult } from '../contract/catalogue.ts'
import type { Repository } from '../contract/records.ts'
import type { PermissionMode, SandboxKind } from '../contract/statuses.ts'
import type { Engine } from '../engine/engine.ts'
import type { AgentPort, WorkspacePort } from '../engine/ports.ts'
import type { Retention } from '../log/retention.ts'
import type { PluginManager } from '../plugin/installed/plugin-manager.ts'
import type { SessionLog } from '../log/types.ts'
import type { Store } from '../store/store.ts'

/** What the configuration says of a task on a repository, where its creator says nothing. */
export interface TaskSettings {
  readonly agent: string
  /** By agent, since each has its own. */
  readonly forAgent: (agent: string) => { readonly model?: string | undefined; readonly permissionMode: PermissionMode }
  readonly sandbox: SandboxKind
  /** 0 is for ever. */
  readonly totalMs: number
}

/** How a hosting service is reached; absent parts have no setting. */
export interface ForgeAccess {
  readonly apiUrl?: string | undefined
  readonly token?: string | undefined
}

export interface SettingsPort {
  /** @throws TroupeError CONFIG_INVALID. */
  forTask(repositoryPath: string): TaskSettings
  /** Gives a token only if it is meant for the host that this address names. */
  forge(provider: Repository['vcsProvider'], remoteUrl: string): ForgeAccess
  get(): MethodResult<'getSettings'>
  /** @throws TroupeError CONFIG_INVALID; then nothing has changed. */
  update(values: Readonly<Record<string, Json>>): MethodResult<'getSettings'>
}

export interface HandlerDeps {
  readonly store: Store
  readonly engine: Engine
  readonly log: SessionLog
  readonly retention: Retention
  readonly workspace: WorkspacePort
  readonly agents: AgentPort
  readonly pluginManager: PluginManager
  readonly settings: SettingsPort
  readonly clock: Clock
  readonly logger: Logger
  readonly version: string
}
