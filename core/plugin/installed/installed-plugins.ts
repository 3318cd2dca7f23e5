/**
 * The plugins that were installed into the data directory, and which of their versions is used.
 *
 * Owns their records; what is on the disk is in plugin-folders.ts.
 *
 * I1 One change at a time. What comes is on the disk before it is known here; what goes is forgotten here first.
 * I2 No code of a version is run before the user has agreed to what its manifest wants.
 * I3 A version stays as long as a session that is not over began with it.
 */
import { toIso } from '../../base/clock.ts'
import { fail } from '../../base/errors.ts'
import type { PluginPackage } from '../manifest.ts'
import { type InstalledPlugin, keyOf, toInstalledPlugin } from './installed-version.ts'
import type { NpmOptions } from './npm.ts'
import { PluginFolders, type PluginFoldersOptions } from './plugin-folders.ts'
import type { PluginRecord } from './record.ts'
import { type Chosen, versionId, withConfirmation, withVersion, withoutOldVersions } from './record-changes.ts'
import { parseSource } from './source.ts'
import { type Staged, stage } from './stage.ts'

export interface InstalledPluginsOptions extends NpmOptions, PluginFoldersOptions {
  /** Sessions that are not over, by the key of the version that they began with. */
  readonly inUse: () => Promise<ReadonlyMap<string, readonly string[]>>
}

export interface InstallRequest extends Chosen {
  readonly signal: AbortSignal
  /** Refuses one that cannot be beside the others, by throwing. */
  readonly assertFits: (manifest: PluginPackage) => void
}

export class InstalledPlugins {
  readonly #options: InstalledPluginsOptions
  readonly #folders: PluginFolders
  readonly #records = new Map<string, PluginRecord>()
  #tail: Promise<unknown> = Promise.resolve()

  constructor(options: InstalledPluginsOptions) {
    this.#options = options
    this.#folders = new PluginFolders(options)
  }

  /** Called once, first. */
  async open(): Promise<void> {
    for (const record of await this.#folders.open()) this.#records.set(record.name, record)
  }

  /** For the catalogue: of each plugin the version that new sessions run, or the one that waits for the user. */
  plugins(): InstalledPlugin[] {
    return [...this.#records.values()].flatMap(
      (record) => this.#version(record, record.current ?? record.pending) ?? [],
    )
  }

  /** The version that a session began with. @throws TroupeError PLUGIN_NOT_FOUND */
  version(key: string): InstalledPlugin {
    for (const record of this.#records.values()) {
      const id = Object.keys(record.versions).find((each) => keyOf(record.name, each) === key)
      const found = this.#version(record, id)
      if (found) return { ...found, state: 'usable' }
    }
    return fail(
      'PLUGIN_NOT_FOUND',
      `The session began with the plugin ${key}, which is not installed any more. Start the task again.`,
    )
  }

  /**
   * Installs a plugin, or another version or source of one that is installed. It is used at once only if it wants what the user has
   * agreed to before. Gives its name.
   * @throws TroupeError PLUGIN_..., NPM_NOT_INSTALLED, TIMEOUT, ABORTED; then nothing has changed.
   */
  async install({ signal, assertFits, ...chosen }: InstallRequest): Promise<string> {
    const source = parseSource(chosen.source)
    return this.#folders.withStaging(async (folder) => {
      const staged = await stage({ source, folder, signal }, this.#options)
      return this.#exclusively(async () => {
        assertFits(staged.manifest)
        await this.#place(folder, staged, chosen)
        return staged.manifest.name
      })
    })
  }

  /** Looks for a newer version of what was installed. @throws as `install` does, and PLUGIN_NOT_FOUND */
  async update(name: string, work: Pick<InstallRequest, 'signal' | 'assertFits'>): Promise<void> {
    const { source } = this.#get(name)
    const assertFits = (manifest: PluginPackage) => {
      if (manifest.name !== name)
        fail(
          'PLUGIN_INSTALL',
          `${source} is now the plugin "${manifest.name}". Install it by itself: troupe plugin add`,
        )
      work.assertFits(manifest)
    }
    await this.install({ ...work, source, assertFits })
  }

  /**
   * The user agrees to what the version that waits wants; it is used from now on.
   * @throws TroupeError PLUGIN_NOT_FOUND; CONFLICT when nothing waits, or something else than these wishes.
   */
  confirm(name: string, wishesHash: string): Promise<void> {
    return this.#exclusively(async () => {
      await this.#write(withConfirmation(this.#get(name), wishesHash))
      await this.#sweep(name)
    })
  }

  setEnabled(name: string, enabled: boolean): Promise<void> {
    return this.#exclusively(() => this.#write({ ...this.#get(name), enabled }))
  }

  /** @throws TroupeError PLUGIN_NOT_FOUND, PLUGIN_IN_USE */
  remove(name: string): Promise<void> {
    return this.#exclusively(async () => {
      const { versions } = this.#get(name)
      const inUse = await this.#options.inUse()
      const sessions = Object.keys(versions).flatMap((id) => inUse.get(keyOf(name, id)) ?? [])
      if (sessions.length > 0) {
        fail(
          'PLUGIN_IN_USE',
          `${sessions.length === 1 ? 'A session uses' : `${sessions.length} sessions use`} the plugin "${name}". Stop the tasks or wait for their end; meanwhile no new one begins after: troupe plugin disable ${name}`,
          { sessions },
        )
      }
      this.#records.delete(name)
      await this.#folders.remove(name)
    })
  }

  /** Removes versions that nobody uses any more (I3). Sessions of an earlier host must be known by then. */
  sweep(): Promise<void> {
    return this.#exclusively(async () => {
      for (const name of this.#records.keys()) await this.#sweep(name)
    })
  }

  #get(name: string): PluginRecord {
    return (
      this.#records.get(name) ??
      fail(
        'PLUGIN_NOT_FOUND',
        `No plugin "${name}" was installed by \`troupe plugin add\`. See which were: troupe plugin ls`,
      )
    )
  }

  #version(record: PluginRecord, id: string | undefined): InstalledPlugin | undefined {
    const facts = id === undefined ? undefined : record.versions[id]
    return facts && toInstalledPlugin(this.#folders.path(record.name), record, id ?? '', facts)
  }

  // I2
  async #place(staging: string, staged: Staged, chosen: Chosen): Promise<void> {
    const id = versionId(staged.version)
    const known = this.#records.get(staged.manifest.name)
    const record = withVersion(known, staged, chosen, toIso(this.#options.clock.now()))
    const version = { tree: staged.tree, id, record }
    if (!known) await this.#folders.placeFirst(staging, version)
    else if (known.versions[id]) await this.#folders.write(record)
    else await this.#folders.placeNext(version)
    this.#records.set(record.name, record)
    if (known) await this.#sweep(record.name)
  }

  // I3
  async #sweep(name: string): Promise<void> {
    const record = this.#get(name)
    const inUse = await this.#options.inUse()
    const swept = withoutOldVersions(record, (id) => inUse.has(keyOf(name, id)))
    if (Object.keys(swept.versions).length < Object.keys(record.versions).length) await this.#write(swept)
    await this.#folders.sweep(swept)
  }

  // I1
  async #write(record: PluginRecord): Promise<void> {
    await this.#folders.write(record)
    this.#records.set(record.name, record)
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work)
    this.#tail = done.catch(() => {})
    return done
  }
}
