/**
 * The keeper of plugins: knows them, and runs their agents in threads.
 *
 * Owns the catalogue of plugins and the pool of threads. Code of a plugin never runs on the thread of its caller, and no
 * fault of a plugin becomes an exception here.
 */
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { type ErrorEnvelope, TroupeError, fail, toEnvelope } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { Detection, PluginInfo } from '../contract/records.ts'
import type { PermissionMode } from '../contract/statuses.ts'
import type { AgentSettings, RunEnd, Session } from './contract/agent.ts'
import { detectAgent } from './detect-agent.ts'
import type { DetectHost } from './detect-io.ts'
import type { HostIo, Progress } from './host-io.ts'
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
import { type Lease, type Purpose, ThreadPool } from './pool.ts'
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
  /** A session of this agent is about to begin: has a thread with the plugin's code ready. Says nothing of failures. */
  prepare(agent: string): void
  /**
   * Runs a session to its end, or to that of the thread under it (`interrupted`). Never rejects: faults of the plugin are `error`
   * ends. When `signal` aborts, the session is asked to stop, and is stopped after `limits.stopMs`. Processes that it leaves
   * behind are the caller's, by `io.spawn`.
   */
  run(work: PluginWork): Promise<PluginEnd>
}

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
}

/**
 * `interrupted`: the thread under the session is over, though nobody asked it to stop. Its processes were not touched; it can be
 * continued from what it committed last. `error` says why, and names the plugin.
 */
export type PluginEnd = RunEnd | { readonly kind: 'interrupted'; readonly error: ErrorEnvelope }

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
    const compiled = options.dataDir !== undefined && { compiledDir: join(options.dataDir, 'cache') }
    this.#pool = new ThreadPool({ ...options, ...compiled, limits: this.#limits })
  }

  async reload(): Promise<void> {
    this.#plugins = await findPlugins(this.#options)
    this.#pool.retire()
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
    using lease = this.#lease(entry, 'look')
    const request = { lease, entry, agent, settings, host, limits: this.#limits, clock: this.#options.clock }
    try {
      return await detectAgent(request)
    } catch (error) {
      this.#noteLoad(entry.name, error)
      return { installed: false, signedIn: 'unknown', hint: toEnvelope(error).message }
    }
  }

  prepare(agent: string): void {
    const plugin = this.#ready.find((found) => agentNames(found).includes(agent))
    if (plugin) void this.#prepare(toEntry(plugin))
  }

  async run(work: PluginWork): Promise<PluginEnd> {
    try {
      const entry = toEntry(this.#find(work.session.agent))
      const shares = entry.shares && work.alone !== true
      using lease = this.#lease({ ...entry, shares }, 'session')
      const end = await runSession({ ...this.#options, ...work, limits: this.#limits, lease, entry })
      if (end.kind === 'interrupted') this.#noteLoad(entry.name, new TroupeError(end.error.code, end.error.message))
      else if (end.kind === 'error') this.#noteLoad(entry.name, new TroupeError(end.code, end.message))
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

  #lease({ name, shares }: PluginEntry, purpose: Purpose): Lease {
    return this.#pool.lease({ plugin: name, shares }, purpose)
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

  async #prepare(entry: PluginEntry): Promise<void> {
    using lease = this.#lease(entry, 'prepare')
    // What is wrong with it is the session's to tell.
    await checkPlugin(lease, entry, { limits: this.#limits, clock: this.#options.clock }).catch(() => {})
  }

  async #check(plugin: ReadyPlugin): Promise<void> {
    const entry = toEntry(plugin)
    using lease = this.#lease(entry, 'look')
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
  shares: plugin.manifest.troupe.sharesThread,
})

const offer = (agent: string, plugin: string, facts: AgentManifest): OfferedAgent => ({ agent, plugin, ...facts })
