/**
 * The plugins that are there, and the agents that they offer.
 *
 * Owns what was last found on the disk, and why the code of a plugin could not be loaded last time. Runs none of it.
 */
import { type ErrorEnvelope, fail, toEnvelope } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { PluginInfo, PluginIsolation } from '../contract/records.ts'
import type { PermissionMode } from '../contract/statuses.ts'
import type { InstalledPlugins } from './installed/installed-plugins.ts'
import {
  type FoundPlugin,
  type PluginSources,
  type ReadyPlugin,
  agentNames,
  findInstalled,
  findPlugins,
  identityOf,
  toErrorRecord,
  toPluginInfo,
} from './loader.ts'
import type { AgentManifest } from './manifest.ts'

export interface CatalogueOptions extends Omit<PluginSources, 'installed'> {
  readonly installed?: Pick<InstalledPlugins, 'plugins' | 'version'>
  /** What the configuration says of a plugin. Default: what was chosen when it was installed, else a thread. */
  readonly isolation?: (plugin: string) => PluginIsolation | undefined
  readonly logger: Logger
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

export class PluginCatalogue {
  readonly #options: CatalogueOptions
  #plugins: readonly FoundPlugin[] = []
  /** By the URL of the main module. */
  readonly #loadErrors = new Map<string, ErrorEnvelope>()

  constructor(options: CatalogueOptions) {
    this.#options = options
  }

  /** Looks at what is on the disk. */
  async refresh(): Promise<void> {
    const installed = this.#options.installed?.plugins() ?? []
    this.#plugins = await findPlugins({ ...this.#options, installed })
  }

  /** Every plugin as clients see it. */
  infos(): PluginInfo[] {
    return this.#plugins.map((plugin) => {
      const info = toPluginInfo(plugin, this.isolationOf(plugin))
      const error = plugin.status === 'ready' && this.#loadErrors.get(plugin.url)
      return error ? { ...info, status: 'broken', error: toErrorRecord(error) } : info
    })
  }

  /** Where its code runs. */
  isolationOf(plugin: FoundPlugin): PluginIsolation {
    return this.#options.isolation?.(identityOf(plugin).name) ?? plugin.installed?.isolation ?? 'thread'
  }

  agents(): OfferedAgent[] {
    return this.ready.flatMap(({ manifest }) =>
      Object.entries(manifest.troupe.agents).map(([agent, facts]) => toOffer(agent, manifest.name, facts)),
    )
  }

  /** Those whose code may be run. */
  get ready(): ReadyPlugin[] {
    return this.#plugins.filter((plugin) => plugin.status === 'ready')
  }

  /** The plugin that offers an agent, if there is one. */
  find(agent: string): ReadyPlugin | undefined {
    return this.ready.find((plugin) => agentNames(plugin).includes(agent))
  }

  /** @throws TroupeError AGENT_NOT_FOUND */
  get(agent: string): ReadyPlugin {
    const found = this.find(agent)
    if (found) return found
    const known = this.ready.flatMap(agentNames).join(', ') || 'none'
    return fail('AGENT_NOT_FOUND', `No plugin offers the agent "${agent}". There are: ${known}.`)
  }

  /**
   * The plugin of an agent, in the installed version of this key if there is one.
   * @throws TroupeError PLUGIN_NOT_FOUND, AGENT_NOT_FOUND, or what is wrong with the version
   */
  async getVersion(agent: string, key: string | undefined): Promise<ReadyPlugin> {
    if (key === undefined || this.find(agent)?.installed?.key === key) return this.get(agent)
    const { installed } = this.#options
    const pinned = installed && (await findInstalled(installed.version(key)))
    if (pinned?.status === 'ready') return pinned
    return fail(
      'PLUGIN_NOT_FOUND',
      `The plugin ${key}, with which the session began, cannot be run any more${pinned ? `: ${pinned.error.message}` : '.'}`,
    )
  }

  /** Its code was loaded. */
  noteLoaded({ url }: ReadyPlugin): void {
    this.#loadErrors.delete(url)
  }

  /** Something went wrong with its code; one that cannot be loaded is `broken` until it can. */
  noteError({ manifest, url }: ReadyPlugin, error: unknown): void {
    const envelope = toEnvelope(error)
    const { code } = envelope
    if (code === 'PLUGIN_LOAD' || code === 'PLUGIN_CHANGED') this.#loadErrors.set(url, envelope)
    // Not its words: they may be the agent's, with secrets in them. The session's log has them, masked.
    this.#options.logger.warn({ plugin: manifest.name, code }, 'what a plugin was to do ended with an error')
  }

  /** What could not be loaded may have been mended. */
  forgetErrors(): void {
    this.#loadErrors.clear()
  }
}

const toOffer = (agent: string, plugin: string, facts: AgentManifest): OfferedAgent => ({ agent, plugin, ...facts })
