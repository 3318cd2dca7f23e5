/**
 * The effective configuration. Precedence, first wins: command line, `TROUPE_*` environment, the repository's
 * `.troupe/config.toml` (as far as repository.ts lets it), `config.toml` of the data directory, defaults.
 */
import type { PluginIsolation } from '../core/contract/records.ts'
import type { PermissionMode, SandboxKind } from '../core/contract/statuses.ts'
import { DEFAULTS } from './config/defaults.ts'
import { environmentConfig } from './config/environment.ts'
import { parseConfig, readConfigText } from './config/file.ts'
import { mergeTables } from './config/merge.ts'
import { DEFAULT_PERMISSION_MODE, readRepositoryText, repositoryConfig } from './config/repository.ts'
import type { ConfigFile, SessionsAtEnd } from './config/schema.ts'
import { validate } from './config/validate.ts'
import type { DataDirectory, Environment } from './data-directory.ts'

export { updateConfigFile } from './config/update.ts'
export { type ConfigFile, type SessionsAtEnd, sessionsAtEnd } from './config/schema.ts'

interface AgentChoice {
  readonly agent: string
  readonly model?: string
}

/** `[agents.<name>]` with its defaults. */
export interface AgentConfig {
  /** Path or name of its program. */
  readonly program?: string
  readonly model?: string
  readonly permissionMode: PermissionMode
  /** Added to its command line. */
  readonly args: readonly string[]
  /** Added to its environment; never secrets. */
  readonly env: Readonly<Record<string, string>>
}

export interface Config {
  readonly agent: { readonly execution: AgentChoice; readonly planning: AgentChoice }
  /** Only agents that the configuration names; `agentConfig` gives one for any. */
  readonly agents: Readonly<Record<string, AgentConfig>>
  /** Only plugins that the configuration names. */
  readonly plugins: Readonly<Record<string, { readonly isolation?: PluginIsolation | undefined }>>
  /** 0 means never. */
  readonly timeouts: { readonly idleMinutes: number; readonly totalMinutes: number }
  readonly sandbox: {
    readonly kind: SandboxKind
    readonly image?: string
    readonly network: 'bridge' | 'none'
    /** For example `512m` or `8g`. */
    readonly memory?: string
    readonly cpus?: number
    readonly pids: number
  }
  readonly concurrency: { readonly maxSessions: number }
  readonly branch: { readonly template: string }
  /** Of each large repository that is at work; 0 prepares none. */
  readonly worktree: { readonly prepared: number }
  readonly setup: {
    readonly copy: readonly string[]
    readonly run?: string
    /** Paths of repositories whose own `[setup] run` may run, and that may choose the agent and its arguments. */
    readonly trust: readonly string[]
  }
  /** What becomes of the logs of tasks that are done or rejected. */
  readonly retention: {
    readonly mode: 'archive' | 'drop'
    /** 0 means never. */
    readonly afterDays: number
    /** What the database may use before the logs that rest longest go; 0 means any amount. */
    readonly maxGb: number
  }
  readonly notification: { readonly enabled: boolean }
  /** What becomes of agents at work when the host ends. */
  readonly shutdown: { readonly sessions: SessionsAtEnd }
  readonly compositeTask: { readonly autoApprove: boolean }
  readonly automation: {
    readonly autoFixCiFailures: boolean
    readonly autoFixReviewComments: boolean
    readonly maxAutoFixAttempts: number
  }
}

export interface LoadedConfig {
  readonly config: Config
  /** The same values by section, as in a config.toml; what `getSettings` gives. */
  readonly values: ConfigFile
  /** The user's own file; may be missing. */
  readonly file: string
  /** Keys of the repository's file that were ignored, one sentence each. */
  readonly warnings: readonly string[]
}

export interface ConfigSources {
  readonly dataDirectory: Pick<DataDirectory, 'config'>
  readonly env: Environment
  /** Absolute; its `.troupe/config.toml` is read when given. */
  readonly repositoryPath?: string
  readonly commandLine?: ConfigFile
}

/**
 * Reads and joins all sources.
 * @throws TroupeError CONFIG_INVALID, naming file or variable, key, what was expected and what was found
 */
export const loadConfig = (sources: ConfigSources): LoadedConfig => joinConfig(sources, readTexts(sources))

/** The files among the sources; undefined where there is none. */
export interface ConfigTexts {
  readonly own: string | undefined
  readonly repository: string | undefined
}

/** Cheap enough to be called for every task, so a changed file counts from the next one on. @throws TroupeError CONFIG_INVALID */
export const readTexts = ({ dataDirectory, repositoryPath }: ConfigSources): ConfigTexts => ({
  own: readConfigText(dataDirectory.config, 'follow'),
  repository: repositoryPath === undefined ? undefined : readRepositoryText(repositoryPath),
})

/** @throws TroupeError CONFIG_INVALID */
export function joinConfig(sources: ConfigSources, texts: ConfigTexts): LoadedConfig {
  const { dataDirectory, env, repositoryPath = '', commandLine } = sources
  const file = parseConfig(texts.own, dataDirectory.config)
  const own = validate(mergeTables(DEFAULTS, file), dataDirectory.config)
  const above = mergeTables(environmentConfig(env), validate(commandLine ?? {}, 'the command line'))
  const repository = repositoryConfig(repositoryPath, texts.repository, own)
  const values = validate(mergeTables(mergeTables(own, repository.config), above), 'the configuration')
  return { config: toConfig(values), values, file: dataDirectory.config, warnings: repository.warnings }
}

/** The settings of any agent, named in the configuration or not. */
export const agentConfig = (config: Config, agent: string): AgentConfig =>
  Object.hasOwn(config.agents, agent) ? (config.agents[agent] ?? toAgentConfig({})) : toAgentConfig({})

/** `values` have every key that `Config` demands, because `DEFAULTS` has. */
function toConfig(values: ConfigFile): Config {
  const { timeouts, sandbox, automation } = values
  return {
    agent: { execution: toChoice(values.agent?.execution), planning: toChoice(values.agent?.planning) },
    plugins: values.plugins ?? {},
    agents: Object.fromEntries(
      Object.entries(values.agents ?? {}).map(([name, agent]) => [name, toAgentConfig(agent)]),
    ),
    timeouts: {
      idleMinutes: timeouts?.idle_minutes ?? DEFAULTS.timeouts.idle_minutes,
      totalMinutes: timeouts?.total_minutes ?? DEFAULTS.timeouts.total_minutes,
    },
    sandbox: { ...DEFAULTS.sandbox, ...sandbox },
    concurrency: { maxSessions: values.concurrency?.max_sessions ?? DEFAULTS.concurrency.max_sessions },
    branch: { ...DEFAULTS.branch, ...values.branch },
    worktree: { ...DEFAULTS.worktree, ...values.worktree },
    setup: { ...DEFAULTS.setup, ...values.setup },
    retention: toRetention({ ...DEFAULTS.retention, ...values.retention }),
    notification: { ...DEFAULTS.notification, ...values.notification },
    shutdown: { ...DEFAULTS.shutdown, ...values.shutdown },
    compositeTask: { autoApprove: values.composite_task?.auto_approve ?? DEFAULTS.composite_task.auto_approve },
    automation: toAutomation({ ...DEFAULTS.automation, ...automation }),
  }
}

const toChoice = (choice: Partial<AgentChoice> | undefined): AgentChoice => ({ ...DEFAULTS.agent.execution, ...choice })

type AgentTable = NonNullable<ConfigFile['agents']>[string]

const toAgentConfig = ({ permission_mode, ...rest }: AgentTable): AgentConfig => ({
  args: [],
  env: {},
  ...rest,
  permissionMode: permission_mode ?? DEFAULT_PERMISSION_MODE,
})

const toRetention = (table: Required<NonNullable<ConfigFile['retention']>>): Config['retention'] => ({
  mode: table.mode,
  afterDays: table.after_days,
  maxGb: table.max_gb,
})

const toAutomation = (table: Required<NonNullable<ConfigFile['automation']>>): Config['automation'] => ({
  autoFixCiFailures: table.auto_fix_ci_failures,
  autoFixReviewComments: table.auto_fix_review_comments,
  maxAutoFixAttempts: table.max_auto_fix_attempts,
})
