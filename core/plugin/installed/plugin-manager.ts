/** Changes which plugins there are, while their sessions run. */
import { fail } from '../../base/errors.ts'
import type { PluginInfo, PluginIsolation } from '../../contract/records.ts'
import type { PluginPackage } from '../manifest.ts'
import type { PluginHost } from '../plugin-host.ts'
import type { InstalledPlugins } from './installed-plugins.ts'

/** Every call gives the plugin as it is then; sessions that run go on with the version that they began with. */
export interface PluginManager {
  /**
   * Installs a plugin. It is `unconfirmed`, and none of its code has run, until the user agrees to what it wants.
   * @throws TroupeError PLUGIN_SOURCE, PLUGIN_INSTALL, PLUGIN_MANIFEST, PLUGIN_CONTRACT, NPM_NOT_INSTALLED, CONFLICT, TIMEOUT, ABORTED
   */
  install(
    source: string,
    options: { isolation?: PluginIsolation | undefined; signal: AbortSignal },
  ): Promise<PluginInfo>
  /** @throws as `install` does, and PLUGIN_NOT_FOUND */
  update(name: string, options: { signal: AbortSignal }): Promise<PluginInfo>
  /** @throws TroupeError PLUGIN_NOT_FOUND, CONFLICT */
  confirm(name: string, wishesHash: string): Promise<PluginInfo>
  /** @throws TroupeError PLUGIN_NOT_FOUND */
  setEnabled(name: string, enabled: boolean): Promise<PluginInfo>
  /** @throws TroupeError PLUGIN_NOT_FOUND, PLUGIN_IN_USE */
  remove(name: string): Promise<void>
}

export interface ManagedPlugins {
  readonly installed: InstalledPlugins
  readonly plugins: PluginHost
}

export function makePluginManager({ installed, plugins }: ManagedPlugins): PluginManager {
  const assertFits = (manifest: PluginPackage) => assertNoRival(manifest, plugins.plugins())

  /** Its code is loaded once, so that one that is broken says so at once. */
  async function changed(name: string): Promise<PluginInfo> {
    await plugins.refresh()
    await plugins.check(name)
    const info = plugins.plugins().find((plugin) => plugin.source === 'installed' && plugin.name === name)
    return info ?? fail('PLUGIN_NOT_FOUND', `The plugin "${name}" was removed meanwhile.`)
  }

  return {
    install: async (source, options) => changed(await installed.install({ ...options, source, assertFits })),
    async update(name, options) {
      await installed.update(name, { ...options, assertFits })
      return changed(name)
    },
    async confirm(name, wishesHash) {
      await installed.confirm(name, wishesHash)
      return changed(name)
    },
    async setEnabled(name, enabled) {
      await installed.setEnabled(name, enabled)
      return changed(name)
    },
    async remove(name) {
      await installed.remove(name)
      await plugins.refresh()
    },
  }
}

/** Nothing is silently replaced. */
function assertNoRival({ name, troupe }: PluginPackage, plugins: readonly PluginInfo[]): void {
  for (const other of plugins) {
    if (other.name === name && other.source === 'installed') continue
    const agent = other.agents.find((each) => Object.hasOwn(troupe.agents, each))
    const claim = other.name === name ? `a plugin "${name}"` : agent !== undefined && `an agent "${agent}"`
    if (claim) {
      fail(
        'CONFLICT',
        `There is ${claim} already, of the ${other.source} plugin ${other.name} ${other.version}; "${name}" cannot be beside it.`,
      )
    }
  }
}
