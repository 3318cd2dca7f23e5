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
import type { Detection, PluginInfo, PluginIsolation } from '../contract/records.ts'
import type { PermissionMode } from '../contract/statuses.ts'
import type { AgentSettings, RunEnd, Session } from './contract/agent.ts'
import { detectAgent } from './detect-agent.ts'
import type { DetectHost } from './detect-io.ts'
import { Gate } from './gate.ts'
import type { HostIo, Progress } from './host-io.ts'
import type { Isolation } from './carrier.ts'
import type { InstalledPlugins } from './installed/installed-plugins.ts'
import { wishesOf } from './installed/wishes.ts'
import { DEFAULT_LIMITS, type PluginLimits } from './limits.ts'
import { checkPlugin } from './load-plugin.ts'
import {
  type FoundPlugin,
  type PluginSources,
  type ReadyPlugin,
  agentNames,
  findInstalled,
  findPlugins,
  toErrorRecord,
  toPluginInfo,
} from './loader.ts'
import type { AgentManifest } from './manifest.ts'
import { type Lease, type Purpose, ThreadPool } from './pool.ts'
import type { PluginEntry } from './protocol.ts'
import { runSession } from './run-session.ts'

export interface PluginHostOptions extends Omit<PluginSources, 'installed'> {
  readonly installed?: Pick<InstalledPlugins, 'plugins' | 'version'>
  /** What the configuration says of a plugin. Default: what was chosen when it was installed, else a thread. */
  readonly isolation?: (plugin: string) => PluginIsolation | undefined
  readonly logger: Logger
  readonly clock: Clock
  readonly limits?: Partial<PluginLimits>
  /** Whose environment plugins see a few variables of. Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>
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
  /** The program and its version that the author has tried. */
  readonly provenWith?: string
  readonly install?: string
  readonly signIn?: string
}

export interface PluginHost extends AsyncDisposable {
  /** Every plugin, the broken ones with their reason. */
  plugins(): PluginInfo[]
  agents(): OfferedAgent[]
  /** Looks again at what is on the disk. Sessions that run are not touched. */
  reload(): Promise<void>
  /** The same after plugins were installed or removed: threads of the others, whose code is the same, stay. */
  refresh(): Promise<void>
  /** The installed version that a session of this agent would begin with now: `PluginWork.plugin` keeps it. */
  pin(agent: string): string | undefined
  /** Ids of the sessions at work here, by the installed version that they run. */
  inUse(): ReadonlyMap<string, readonly string[]>
  /** Loads the code of every plugin, or of one, once; one that fails is `broken` from then on, until it loads. */
  check(plugin?: string): Promise<PluginInfo[]>
  /**
   * Looks for the program of an agent. A fault of the plugin becomes a detection with a hint.
   * @throws TroupeError AGENT_NOT_FOUND.
   */
  detect(agent: string, settings: AgentSettings, host: DetectHost): Promise<Detection>
  /** The same, for who wants to know of faults. @throws TroupeError what is wrong with the plugin, or AGENT_NOT_FOUND. */
  detectOrThrow(agent: string, settings: AgentSettings, host: DetectHost): Promise<Detection>
  /** A session of this agent is about to begin: has a thread with the plugin's code ready. Says nothing of failures. */
  prepare(agent: string): void
  /** The manifest says that sessions of this agent are given a question server. */
  wantsQuestionServer(agent: string): boolean
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
  /** The installed version that it began with, by its key; without it the one that new sessions run. */
  readonly plugin?: string
}

/**
 * `interrupted`: the thread under the session is over, though nobody asked it to stop. Its processes were not touched; it can be
 * continued from what it committed last. `error` says why, and names the plugin.
 */
export type PluginEnd = RunEnd | { readonly kind: 'interrupted'; readonly error: ErrorEnvelope }

const STARTS_AT_ONCE = 4

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
  /** When a thread that many share is lost, each of its sessions gets one of its own. */
  readonly #starts = new Gate(STARTS_AT_ONCE)
  #plugins: readonly FoundPlugin[] = []
  /** Why the code of a plugin could not be loaded last time, by the URL of its main module. */
  readonly #loadErrors = new Map<string, ErrorEnvelope>()
  /** Sessions at work in installed plugins. */
  readonly #working = new Set<{ readonly sessionId: string; readonly key: string }>()

  constructor(options: PluginHostOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    const compiled = options.dataDir !== undefined && { compiledDir: join(options.dataDir, 'cache') }
    this.#pool = new ThreadPool({ ...options, ...compiled, limits: this.#limits })
  }

  async reload(): Promise<void> {
    await this.refresh()
    this.#pool.retire()
    this.#loadErrors.clear()
  }

  async refresh(): Promise<void> {
    const installed = this.#options.installed?.plugins() ?? []
    this.#plugins = await findPlugins({ ...this.#options, installed })
  }

  pin(agent: string): string | undefined {
    return this.#ready.find((plugin) => agentNames(plugin).includes(agent))?.installed?.key
  }

  inUse(): ReadonlyMap<string, readonly string[]> {
    const grouped = Map.groupBy(this.#working, ({ key }) => key)
    return new Map([...grouped].map(([key, sessions]) => [key, sessions.map(({ sessionId }) => sessionId)]))
  }

  plugins(): PluginInfo[] {
    return this.#plugins.map((plugin) => {
      const info = toPluginInfo(plugin)
      const error = plugin.status === 'ready' && this.#loadErrors.get(plugin.url)
      return error ? { ...info, status: 'broken', error: toErrorRecord(error) } : info
    })
  }

  agents(): OfferedAgent[] {
    return this.#ready.flatMap(({ manifest }) =>
      Object.entries(manifest.troupe.agents).map(([agent, facts]) => offer(agent, manifest.name, facts)),
    )
  }

  async check(name?: string): Promise<PluginInfo[]> {
    const chosen = this.#ready.filter(({ manifest }) => name === undefined || manifest.name === name)
    await Promise.all(chosen.map((plugin) => this.#check(plugin)))
    return this.plugins()
  }

  async detect(agent: string, settings: AgentSettings, host: DetectHost): Promise<Detection> {
    const plugin = this.#find(agent)
    try {
      return await this.detectOrThrow(agent, settings, host)
    } catch (error) {
      this.#noteLoad(plugin, error)
      return { installed: false, signedIn: 'unknown', hint: toEnvelope(error).message }
    }
  }

  async detectOrThrow(agent: string, settings: AgentSettings, host: DetectHost): Promise<Detection> {
    const entry = await this.#open(this.#find(agent))
    using lease = this.#lease(entry, 'look')
    return await detectAgent({ lease, entry, agent, settings, host, limits: this.#limits, clock: this.#options.clock })
  }

  prepare(agent: string): void {
    const plugin = this.#ready.find((found) => agentNames(found).includes(agent))
    if (plugin) void this.#prepare(plugin).catch(() => {}) // What is wrong with it is the session's to tell.
  }

  wantsQuestionServer(agent: string): boolean {
    const plugin = this.#ready.find((found) => agentNames(found).includes(agent))
    return plugin?.manifest.troupe.agents[agent]?.questionServer === true
  }

  async run(work: PluginWork): Promise<PluginEnd> {
    const { sessionId, agent } = work.session
    using resources = new DisposableStack()
    try {
      const plugin = await this.#choose(agent, work.plugin)
      if (plugin.installed) resources.use(this.#work(sessionId, plugin.installed.key))
      const entry = await this.#open(plugin)
      const shares = entry.shares && work.alone !== true
      using place = work.alone === true ? await this.#starts.enter(work.signal) : undefined
      using lease = this.#lease({ ...entry, shares }, 'session')
      const loaded = () => place?.[Symbol.dispose]()
      const end = await runSession({ ...this.#options, ...work, limits: this.#limits, lease, entry, loaded })
      if (end.kind === 'interrupted') this.#noteLoad(plugin, new TroupeError(end.error.code, end.error.message))
      else if (end.kind === 'error') this.#noteLoad(plugin, new TroupeError(end.code, end.message))
      else this.#loadErrors.delete(entry.url)
      return end
    } catch (error) {
      const { code, message } = toEnvelope(error)
      return { kind: 'error', code, message }
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool[Symbol.asyncDispose]()
  }

  #lease({ name, ...entry }: PluginEntry, purpose: Purpose): Lease {
    return this.#pool.lease({ plugin: name, ...entry }, purpose)
  }

  #work(sessionId: string, key: string): Disposable {
    const work = { sessionId, key }
    this.#working.add(work)
    return { [Symbol.dispose]: () => void this.#working.delete(work) }
  }

  /** What may be loaded now. @throws TroupeError PLUGIN_CHANGED */
  async #open(plugin: ReadyPlugin): Promise<PluginEntry> {
    try {
      await plugin.installed?.verify()
    } catch (error) {
      this.#noteLoad(plugin, error)
      throw error
    }
    return toEntry(plugin, this.#isolate(plugin))
  }

  #isolate({ manifest, installed, root }: ReadyPlugin): Isolation {
    const kind = this.#options.isolation?.(manifest.name) ?? installed?.isolation ?? 'thread'
    return kind === 'thread' ? { kind } : { kind, folder: root, network: manifest.troupe.network.length > 0 }
  }

  /** @throws TroupeError PLUGIN_NOT_FOUND, AGENT_NOT_FOUND, or what is wrong with the version */
  async #choose(agent: string, key: string | undefined): Promise<ReadyPlugin> {
    const current = this.#ready.find((plugin) => agentNames(plugin).includes(agent))
    if (key === undefined || current?.installed?.key === key) return current ?? this.#find(agent)
    const { installed } = this.#options
    const pinned = installed && (await findInstalled(installed.version(key)))
    if (pinned?.status === 'ready') return pinned
    return fail(
      'PLUGIN_NOT_FOUND',
      `The plugin ${key}, with which the session began, cannot be run any more${pinned ? `: ${pinned.error.message}` : '.'}`,
    )
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

  async #prepare(plugin: ReadyPlugin): Promise<void> {
    const entry = await this.#open(plugin)
    using lease = this.#lease(entry, 'prepare')
    await checkPlugin(lease, entry, { limits: this.#limits, clock: this.#options.clock })
  }

  async #check(plugin: ReadyPlugin): Promise<void> {
    try {
      const entry = await this.#open(plugin)
      using lease = this.#lease(entry, 'look')
      await checkPlugin(lease, entry, { limits: this.#limits, clock: this.#options.clock })
      this.#loadErrors.delete(entry.url)
    } catch (error) {
      this.#noteLoad(plugin, error)
    }
  }

  #noteLoad({ manifest, url }: ReadyPlugin, error: unknown): void {
    const envelope = toEnvelope(error)
    const plugin = manifest.name
    if (envelope.code === 'PLUGIN_LOAD' || envelope.code === 'PLUGIN_CHANGED') this.#loadErrors.set(url, envelope)
    // Not its words: they may be the agent's, with secrets in them. The session's log has them, masked.
    this.#options.logger.warn({ plugin, code: envelope.code }, 'a session of a plugin ended with an error')
  }
}

const toEntry = (plugin: ReadyPlugin, isolation: Isolation): PluginEntry => ({
  isolation,
  // Those that come with Troupe, and those that the user has put there, are not asked about.
  ...(plugin.installed && { programs: wishesOf(plugin.manifest).programs }),
  name: plugin.manifest.name,
  url: plugin.url,
  agents: agentNames(plugin),
  shares: plugin.manifest.troupe.sharesThread,
})

const offer = (agent: string, plugin: string, facts: AgentManifest): OfferedAgent => ({ agent, plugin, ...facts })
