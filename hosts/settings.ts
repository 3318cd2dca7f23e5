/** The configuration as the engine's parts ask for it; read anew each time, so that a changed file counts at once. */
import { z } from 'zod'
import type { PluginIsolation } from '../core/contract/records.ts'
import type { SettingsPort } from '../core/handlers/deps.ts'
import type { RetentionPolicy } from '../core/log/retention.ts'
import type { OfferedAgent } from '../core/plugin/plugin-host.ts'
import type { AgentSetup, SessionsAtEnd } from '../core/runner/ports.ts'
import type { WorkspaceSetup } from '../core/runner/local-workspace.ts'
import { agentConfig, type Config, joinConfig, readTexts, updateConfigFile, type LoadedConfig } from './config.ts'
import type { DataDirectory, Environment } from './data-directory.ts'
import { forgeAccess } from './forge-access.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS

/** Variables that people set for agents whose manifest cannot know them. */
const SECRET_NAME = /(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS)$/i

const settingsValues = z.record(z.string(), z.json())

export interface Settings extends SettingsPort {
  agentSetup(agent: string, repositoryPath?: string): AgentSetup
  workspaceSetup(repositoryPath: string): WorkspaceSetup
  maxSessions(): number
  preparedWorktrees(): number
  retention(): RetentionPolicy
  sessionsAtEnd(): SessionsAtEnd
  /** Undefined when the configuration says nothing of the plugin. @throws TroupeError CONFIG_INVALID */
  pluginIsolation(plugin: string): PluginIsolation | undefined
}

export interface SettingsDeps {
  readonly dataDirectory: DataDirectory
  readonly env: Environment
  readonly offered: () => readonly OfferedAgent[]
}

/** A file that somebody is just changing keeps no task from its worktree and no host from its end. */
function unlessBroken<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}

/** What was joined lately, by the files: that takes ten times as long as to read them, and a task asks several times. */
const KEPT = 32

function makeLoad({ dataDirectory, env }: SettingsDeps) {
  const joined = new Map<string, LoadedConfig>()
  return (repositoryPath?: string): LoadedConfig => {
    const sources = { dataDirectory, env, ...(repositoryPath !== undefined && { repositoryPath }) }
    const texts = readTexts(sources)
    const key = JSON.stringify([repositoryPath, texts])
    const loaded = joined.get(key) ?? joinConfig(sources, texts)
    joined.delete(key)
    joined.set(key, loaded)
    for (const oldest of [...joined.keys()].slice(0, -KEPT)) joined.delete(oldest)
    return loaded
  }
}

export function makeSettings(deps: SettingsDeps): Settings {
  const { dataDirectory, env, offered } = deps
  const load = makeLoad(deps)
  const get = () => {
    const { values, file } = load()
    return { values: settingsValues.parse(values), file }
  }

  /**
   * Until the keychain holds them, secrets come from the host's own environment: those that the manifest names. What the user
   * sets for the agent is given to it anyway, and masked like these.
   */
  function secretsOf(agent: string, configured: Readonly<Record<string, string>>) {
    const names = offered().find((candidate) => candidate.agent === agent)?.secrets ?? []
    const own = Object.keys(configured).filter((name) => names.includes(name) || SECRET_NAME.test(name))
    return [...new Set([...names, ...own])].flatMap((name) => {
      const value = (names.includes(name) && env[name]) || configured[name]
      return value === undefined || value === '' ? [] : [{ name, value }]
    })
  }

  return {
    get,
    forge: (provider, remoteUrl) => forgeAccess(env, provider, remoteUrl),
    update(values) {
      updateConfigFile(dataDirectory.config, values)
      return get()
    },
    forTask(repositoryPath) {
      const { config } = load(repositoryPath)
      const { agent, model } = config.agent.execution
      return {
        agent,
        forAgent: (name) => ({
          model: agentConfig(config, name).model ?? (name === agent ? model : undefined),
          permissionMode: agentConfig(config, name).permissionMode,
        }),
        sandbox: config.sandbox.kind,
        totalMs: config.timeouts.totalMinutes * MINUTE_MS,
      }
    },
    agentSetup(agent, repositoryPath) {
      const { config } = load(repositoryPath)
      const { program, args, env: configured } = agentConfig(config, agent)
      return {
        settings: { args, ...(program !== undefined && { program }) },
        env: configured,
        secrets: secretsOf(agent, configured),
        idleMs: config.timeouts.idleMinutes * MINUTE_MS,
      }
    },
    workspaceSetup(repositoryPath) {
      const { config, warnings } = load(repositoryPath)
      return { setup: config.setup, branchTemplate: config.branch.template, notices: warnings }
    },
    maxSessions: () => load().config.concurrency.maxSessions,
    preparedWorktrees: () => unlessBroken(() => load().config.worktree.prepared, 0),
    retention: () => toRetentionPolicy(load().config),
    pluginIsolation: (plugin) => load().config.plugins[plugin]?.isolation,
    sessionsAtEnd: () => unlessBroken(() => load().config.shutdown.sessions, 'end'),
  }
}

const toRetentionPolicy = ({ retention: { mode, afterDays, maxGb } }: Config): RetentionPolicy => ({
  mode,
  afterMs: afterDays * DAY_MS,
  maxBytes: maxGb * 1e9,
})
