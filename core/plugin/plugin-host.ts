/**
 * The keeper of plugins: knows them, and runs their agents in threads.
 *
 * Owns the catalogue of plugins and the pool of threads. Code of a plugin never runs on the thread of its caller, and no
 * fault of a plugin becomes an exception here.
 */
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { TroupeError, toEnvelope } from '../base/errors.ts'
import type { Detection, PluginInfo } from '../contract/records.ts'
import type { Isolation } from './carrier.ts'
import type { AgentSettings } from './contract/agent.ts'
import { detectAgent } from './detect-agent.ts'
import type { DetectHost } from './detect-io.ts'
import { Gate } from './gate.ts'
import { wishesOf } from './installed/wishes.ts'
import { DEFAULT_LIMITS, type PluginLimits } from './limits.ts'
import { checkPlugin } from './load-plugin.ts'
import { type ReadyPlugin, agentNames } from './loader.ts'
import { type CatalogueOptions, type OfferedAgent, PluginCatalogue } from './plugin-catalogue.ts'
import type { PluginEnd, PluginWork } from './plugin-work.ts'
import { type Lease, type Purpose, ThreadPool } from './pool.ts'
import type { PluginEntry } from './protocol.ts'
import { runSession } from './run-session.ts'

export type { OfferedAgent } from './plugin-catalogue.ts'
export type { PluginEnd, PluginWork } from './plugin-work.ts'

export interface PluginHostOptions extends CatalogueOptions {
  readonly clock: Clock
  readonly limits?: Partial<PluginLimits>
  /** Whose environment plugins see a few variables of. Default: that of this process. */
  readonly env?: Readonly<Record<string, string | undefined>>
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
  readonly #catalogue: PluginCatalogue
  readonly #pool: ThreadPool
  /** When a thread that many share is lost, each of its sessions gets one of its own. */
  readonly #starts = new Gate(STARTS_AT_ONCE)
  /** Sessions at work in installed plugins. */
  readonly #working = new Set<{ readonly sessionId: string; readonly key: string }>()

  constructor(options: PluginHostOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits }
    this.#catalogue = new PluginCatalogue(options)
    const compiled = options.dataDir !== undefined && { compiledDir: join(options.dataDir, 'cache') }
    this.#pool = new ThreadPool({ ...options, ...compiled, limits: this.#limits })
  }

  async reload(): Promise<void> {
    await this.refresh()
    this.#pool.retire()
    this.#catalogue.forgetErrors()
  }

  refresh(): Promise<void> {
    return this.#catalogue.refresh()
  }

  pin(agent: string): string | undefined {
    return this.#catalogue.find(agent)?.installed?.key
  }

  inUse(): ReadonlyMap<string, readonly string[]> {
    const grouped = Map.groupBy(this.#working, ({ key }) => key)
    return new Map([...grouped].map(([key, sessions]) => [key, sessions.map(({ sessionId }) => sessionId)]))
  }

  plugins(): PluginInfo[] {
    return this.#catalogue.infos()
  }

  agents(): OfferedAgent[] {
    return this.#catalogue.agents()
  }

  async check(name?: string): Promise<PluginInfo[]> {
    const chosen = this.#catalogue.ready.filter(({ manifest }) => name === undefined || manifest.name === name)
    await Promise.all(chosen.map((plugin) => this.#check(plugin)))
    return this.plugins()
  }

  async detect(agent: string, settings: AgentSettings, host: DetectHost): Promise<Detection> {
    const plugin = this.#catalogue.get(agent)
    try {
      return await this.detectOrThrow(agent, settings, host)
    } catch (error) {
      this.#catalogue.noteError(plugin, error)
      return { installed: false, signedIn: 'unknown', hint: toEnvelope(error).message }
    }
  }

  async detectOrThrow(agent: string, settings: AgentSettings, host: DetectHost): Promise<Detection> {
    const entry = await this.#open(this.#catalogue.get(agent))
    using lease = this.#lease(entry, 'look')
    return await detectAgent({ lease, entry, agent, settings, host, limits: this.#limits, clock: this.#options.clock })
  }

  prepare(agent: string): void {
    const plugin = this.#catalogue.find(agent)
    if (plugin) void this.#load(plugin, 'prepare').catch(() => {}) // What is wrong with it is the session's to tell.
  }

  wantsQuestionServer(agent: string): boolean {
    return this.#catalogue.find(agent)?.manifest.troupe.agents[agent]?.questionServer === true
  }

  async run(work: PluginWork): Promise<PluginEnd> {
    const { sessionId, agent } = work.session
    try {
      const plugin = await this.#catalogue.getVersion(agent, work.plugin)
      using _use = plugin.installed && this.#use(sessionId, plugin.installed.key)
      const end = await this.#run(plugin, work).catch(toErrorEnd)
      this.#noteEnd(plugin, end)
      return end
    } catch (error) {
      return toErrorEnd(error)
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#pool[Symbol.asyncDispose]()
  }

  async #run(plugin: ReadyPlugin, work: PluginWork): Promise<PluginEnd> {
    const entry = await this.#open(plugin)
    const alone = work.alone === true
    using place = alone ? await this.#starts.enter(work.signal) : undefined
    using lease = this.#lease({ ...entry, shares: entry.shares && !alone }, 'session')
    const loaded = () => place?.[Symbol.dispose]()
    const { clock } = this.#options
    return await runSession({ ...work, clock, limits: this.#limits, lease, entry, loaded })
  }

  #noteEnd(plugin: ReadyPlugin, end: PluginEnd): void {
    if (end.kind === 'interrupted')
      this.#catalogue.noteError(plugin, new TroupeError(end.error.code, end.error.message))
    else if (end.kind === 'error') this.#catalogue.noteError(plugin, new TroupeError(end.code, end.message))
    else this.#catalogue.noteLoaded(plugin)
  }

  #use(sessionId: string, key: string): Disposable {
    const use = { sessionId, key }
    this.#working.add(use)
    return { [Symbol.dispose]: () => void this.#working.delete(use) }
  }

  #lease({ name, ...entry }: PluginEntry, purpose: Purpose): Lease {
    return this.#pool.lease({ plugin: name, ...entry }, purpose)
  }

  /** What may be loaded now. @throws TroupeError PLUGIN_CHANGED */
  async #open(plugin: ReadyPlugin): Promise<PluginEntry> {
    await plugin.installed?.verify()
    return toEntry(plugin, this.#isolate(plugin))
  }

  #isolate(plugin: ReadyPlugin): Isolation {
    const kind = this.#catalogue.isolationOf(plugin)
    const network = plugin.manifest.troupe.network.length > 0
    return kind === 'thread' ? { kind } : { kind, folder: plugin.root, network }
  }

  /** Brings its code into a thread, and runs none of its agents. */
  async #load(plugin: ReadyPlugin, purpose: 'prepare' | 'look'): Promise<void> {
    const entry = await this.#open(plugin)
    using lease = this.#lease(entry, purpose)
    await checkPlugin(lease, entry, { limits: this.#limits, clock: this.#options.clock })
  }

  async #check(plugin: ReadyPlugin): Promise<void> {
    try {
      await this.#load(plugin, 'look')
      this.#catalogue.noteLoaded(plugin)
    } catch (error) {
      this.#catalogue.noteError(plugin, error)
    }
  }
}

function toErrorEnd(error: unknown): PluginEnd {
  const { code, message } = toEnvelope(error)
  return { kind: 'error', code, message }
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
