/**
 * The keeper of plugins: knows them, and runs their agents in threads.
 *
 * Owns the catalogue of plugins and the pool of threads. Code of a plugin never runs on the thread of its caller, and no
 * fault of a plugin becomes an exception here.
 */
import type { Clock } from '../base/clock.ts'
import { type ErrorEnvelope, TroupeError, fail, toEnvelope } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Detection, PluginInfo } from '../contract/records.ts'
import type { PermissionMode } from '../contract/statuses.ts'
import type { AgentSettings, RunEnd, Session } from './contract/agent.ts'
import { detectAgent } from './detect-agent.ts'
import type { DetectHost } from './detect-io.ts'
import type { HostIo } from './host-io.ts'
import { DEFAULT_LIMITS, type PluginLimits } from './limits.ts'
import { checkPlugin } from './load-plugin.ts'
import {
  type FoundPlugin,
  type PluginSources,
  type ReadyPlugin,
  agentNames,
  findPlugins,
  toErrorRecord,
  toPluginInfo,
} from './loader.ts'
import type { AgentManifest } from './manifest.ts'
import { ThreadPool } from './pool.ts'
import type { PluginEntry } from './protocol.ts'
import { runSession } from './run-session.ts'

export interface PluginHostOptions extends PluginSources {
  readonly logger: Logger
  readonly clock: Clock
  readonly limits?: Partial<PluginLimits>
}

/** An agent that a plugin offers. */
export interface OfferedAgent {
  /** What settings and tasks call it. */
  readonly agent: string
  /** What people call it. */
  readonly name: string
  readonly plugin: string
  readonly permissionModes: readonly PermissionMode[]
  /** Names of the secrets that its sessions may receive. */
  readonly secrets: readonly string[]
  readonly program?: string
  readonly install?: string
  readonly signIn?: string
}

export interface PluginHost extends AsyncDisposable {
  /** Every plugin, the broken ones with their reason. */
  plugins(): PluginInfo[]
  agents(): OfferedAgent[]
  /** Looks again at what is on the disk. Sessions that run are not touched. */
  reload(): Promise<void>
  /** Loads the code of every plugin once; one that fails is `broken` from then on, until it loads. */
  check(): Promise<PluginInfo[]>
  /**
   * Looks for the program of an agent. A fault of the plugin becomes a detection with a hint.
   * @throws TroupeError AGENT_NOT_FOUND.
   */
  detect(agent: string, settings: AgentSettings, host: DetectHost): Promise<Detection>
  /**
   * Runs a session to its end. Never rejects: faults of the plugin are `error` ends. When `signal` aborts, the session is asked
   * to stop, and is stopped after `limits.stopMs`. Processes that it leaves behind are the caller's, by `io.spawn`.
   */
  run(session: Session, io: HostIo, signal: AbortSignal): Promise<RunEnd>
}

/** Finds the plugins and prepares a thread. Dispose of it: threads keep the process alive. */
export async function openPluginHost(options: PluginHostOptions): Promise<PluginHost> {
  const host = new ThreadedPluginHost(options)
  await host.reload()
  return host
}

class ThreadedPluginHost implements PluginHost {
  readonly #options: PluginHostOptions
  readonly #limits: PluginLimits
  readonly #pool: ThreadPool
  #plugins: readonly FoundPlugin[] = []
  /** Why the code of a plugin could not be loaded last time, by the plugin's name. */
  readonly #loadErrors = new Map<string, ErrorEnvelope>()

  constructor(options: PluginHostOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#pool = new ThreadPool({ ...options, limits: this.#limits })
  }

  async reload(): Promise<void> {
    this.#plugins = await findPlugins(this.#options)
    this.#loadErrors.clear()
  }

  plugins(): PluginInfo[] {
    return this.#plugins.map((plugin) => {
      const info = toPluginInfo(plugin)
      const error = plugin.status === 'ready' && this.#loadErrors.get(info.name)
      return error ? { ...info, status: 'broken', error: toErrorRecord(error) } : info
    })
  }

  agents(): OfferedAgent[] {
    return this.#ready.flatMap(({ manifest }) =>
      Object.entries(manifest.troupe.agents).map(([agent, facts]) => offer(agent, manifest.name, facts)),
    )
  }

  async check(): Promise<PluginInfo[]> {
    await Promise.all(this.#ready.map((plugin) => this.#check(plugin)))
    return this.plugins()
  }

  async detect(agent: string, settings: AgentSettings, host: DetectHost): Promise<Detection> {
    const entry = toEntry(this.#find(agent))
    using lease = this.#pool.lease(entry.name)
    const request = { lease, entry, agent, settings, host, limits: this.#limits, clock: this.#options.clock }
    try {
      return await detectAgent(request)
    } catch (error) {
      this.#noteLoad(entry.name, error)
      return { installed: false, signedIn: 'unknown', hint: toEnvelope(error).message }
    }
  }

  async run(session: Session, io: HostIo, signal: AbortSignal): Promise<RunEnd> {
    try {
      const entry = toEntry(this.#find(session.agent))
      using lease = this.#pool.lease(entry.name)
      const end = await runSession({ ...this.#options, limits: this.#limits, lease, entry, session, io, signal })
      if (end.kind === 'error') this.#noteLoad(entry.name, new TroupeError(end.code, end.message))
      else this.#loadErrors.delete(entry.name)
      return end
    } catch (error) {
      const { code, message } = toEnvelope(error)
      return { kind: 'error', code, message }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool[Symbol.asyncDispose]()
  }

  get #ready(): ReadyPlugin[] {
    return this.#plugins.filter((plugin) => plugin.status === 'ready')
  }

  #find(agent: string): ReadyPlugin {
    const found = this.#ready.find((plugin) => agentNames(plugin).includes(agent))
    if (found) return found
    const known = this.#ready.flatMap(agentNames).join(', ') || 'none'
    return fail('AGENT_NOT_FOUND', `No plugin offers the agent "${agent}". There are: ${known}.`)
  }

  async #check(plugin: ReadyPlugin): Promise<void> {
    const entry = toEntry(plugin)
    using lease = this.#pool.lease(entry.name)
    try {
      await checkPlugin(lease, entry, { limits: this.#limits, clock: this.#options.clock })
      this.#loadErrors.delete(entry.name)
    } catch (error) {
      this.#noteLoad(entry.name, error)
    }
  }

  #noteLoad(plugin: string, error: unknown): void {
    const envelope = toEnvelope(error)
    if (envelope.code === 'PLUGIN_LOAD') this.#loadErrors.set(plugin, envelope)
    // Not its words: they may be the agent's, with secrets in them. The session's log has them, masked.
    this.#options.logger.warn({ plugin, code: envelope.code }, 'a session of a plugin ended with an error')
  }
}

const toEntry = (plugin: ReadyPlugin): PluginEntry => ({
  name: plugin.manifest.name,
  url: plugin.url,
  agents: agentNames(plugin),
})

const offer = (agent: string, plugin: string, facts: AgentManifest): OfferedAgent => ({ agent, plugin, ...facts })
