/**
 * The plugins that were installed into the data directory: `<folder>/<name>/record.json`, and beside it a folder for each version.
 *
 * Owns these folders. One process at a time has a data directory.
 *
 * I1 A version comes into its place by one rename, whole, and is never changed there. After a crash it is there or it is not.
 * I2 No code of a version is run before the user has agreed to what its manifest wants.
 * I3 A version stays as long as a session that is not over began with it.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { toIso } from '../../base/clock.ts'
import { TroupeError, fail } from '../../base/errors.ts'
import { faultPoint } from '../../base/fault-point.ts'
import type { Logger } from '../../base/logger.ts'
import type { PluginIsolation } from '../../contract/records.ts'
import type { PluginPackage } from '../manifest.ts'
import { type InstalledPlugin, keyOf, toInstalledPlugin } from './installed-version.ts'
import type { NpmOptions } from './npm.ts'
import { type PluginRecord, readRecord, writeRecord } from './record.ts'
import { parseSource } from './source.ts'
import { type Staged, stage } from './stage.ts'
import { hashOfWishes } from './wishes.ts'

export interface InstalledPluginsOptions extends NpmOptions {
  /** `plugins` of the data directory; it exists. */
  readonly folder: string
  readonly logger: Logger
  /** Sessions that are not over, by the key of the version that they began with. */
  readonly inUse: () => Promise<ReadonlyMap<string, readonly string[]>>
}

export interface InstallRequest {
  readonly source: string
  readonly isolation?: PluginIsolation | undefined
  readonly signal: AbortSignal
  /** Refuses one that cannot be beside the others, by throwing. */
  readonly assertFits: (manifest: PluginPackage) => void
}

/** The isolation of an installed plugin when the user chose none: it is a stranger's code. */
const DEFAULT_ISOLATION: PluginIsolation = 'process'

const STAGING = '.staging-'
const TRASH = '.trash-'

export class InstalledPlugins {
  readonly #options: InstalledPluginsOptions
  readonly #records = new Map<string, PluginRecord>()
  #tail: Promise<unknown> = Promise.resolve()

  constructor(options: InstalledPluginsOptions) {
    this.#options = options
  }

  /** Reads what is there, and removes what a crash has left. Called once, first. */
  async open(): Promise<void> {
    const names = await readdir(this.#options.folder)
    for (const name of names) {
      if (name.startsWith(STAGING) || name.startsWith(TRASH)) await this.#delete(join(this.#options.folder, name))
      else await this.#read(name)
    }
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
  async install({ source, isolation, signal, assertFits }: InstallRequest): Promise<string> {
    const { folder } = this.#options
    const parsed = parseSource(source)
    const staging = await mkdtemp(join(folder, STAGING))
    try {
      const staged = await stage({ source: parsed, folder: staging, signal }, this.#options)
      return await this.#exclusively(async () => {
        assertFits(staged.manifest)
        await this.#place(staging, staged, { source, isolation })
        return staged.manifest.name
      })
    } finally {
      await this.#delete(staging)
    }
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
      const record = this.#get(name)
      const waiting = record.pending === undefined ? undefined : record.versions[record.pending]
      if (!waiting) throw new TroupeError('CONFLICT', `The plugin "${name}" waits for no confirmation.`)
      if (hashOfWishes(waiting.wishes) !== wishesHash) {
        fail(
          'CONFLICT',
          `What the plugin "${name}" wants has changed since it was shown. Look at it again: troupe plugin ls`,
        )
      }
      const { pending, ...rest } = record
      await this.#write({ ...rest, current: pending })
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
      await this.#trash(this.#folder(name))
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

  #folder(name: string): string {
    return join(this.#options.folder, folderName(name))
  }

  #version(record: PluginRecord, id: string | undefined): InstalledPlugin | undefined {
    const facts = id === undefined ? undefined : record.versions[id]
    return facts && toInstalledPlugin(this.#folder(record.name), record, id ?? '', facts)
  }

  async #read(name: string): Promise<void> {
    const record = await readRecord(join(this.#options.folder, name)).catch((error: unknown) => {
      this.#options.logger.warn({ err: error, name }, 'The record of a plugin cannot be read.')
    })
    if (record && folderName(record.name) === name) this.#records.set(record.name, record)
  }

  // I1
  async #place(staging: string, staged: Staged, chosen: Pick<InstallRequest, 'source' | 'isolation'>): Promise<void> {
    const { name, version } = staged.manifest
    const id = versionId(version, staged.version.content)
    const known = this.#records.get(name)
    const record = this.#next(known, { id, staged, chosen })
    if (known?.versions[id]) return this.#write(record)
    if (known) {
      await rename(staged.tree, join(this.#folder(name), id))
      faultPoint('plugin.version-placed')
      await this.#write(record)
      return this.#sweep(name)
    }
    const whole = join(staging, 'plugin')
    await mkdir(whole, { mode: 0o700 })
    await rename(staged.tree, join(whole, id))
    await writeRecord(whole, record)
    await rename(whole, this.#folder(name)).catch((error: unknown) => {
      throw new TroupeError(
        'CONFLICT',
        `${this.#folder(name)} is there already; remove it, then install "${name}" again.`,
        {},
        error,
      )
    })
    faultPoint('plugin.installed')
    this.#records.set(name, record)
  }

  // I2
  #next(
    known: PluginRecord | undefined,
    { id, staged, chosen }: { id: string; staged: Staged; chosen: Pick<InstallRequest, 'source' | 'isolation'> },
  ): PluginRecord {
    const { name } = staged.manifest
    const base: PluginRecord = {
      format: 1,
      name,
      source: chosen.source,
      isolation: chosen.isolation ?? known?.isolation ?? DEFAULT_ISOLATION,
      enabled: known?.enabled ?? true,
      versions: { [id]: { ...staged.version, installedAt: toIso(this.#options.clock.now()) }, ...known?.versions },
    }
    const agreed = known?.current === undefined ? undefined : known.versions[known.current]
    const wanted = hashOfWishes(staged.version.wishes)
    if (known?.current !== undefined && agreed && hashOfWishes(agreed.wishes) === wanted)
      return { ...base, current: id }
    return { ...base, ...(known?.current !== undefined && { current: known.current }), pending: id }
  }

  async #sweep(name: string): Promise<void> {
    const { versions, ...rest } = this.#get(name)
    const inUse = await this.#options.inUse()
    const kept = Object.entries(versions).filter(
      ([id]) => id === rest.current || id === rest.pending || inUse.has(keyOf(name, id)),
    )
    if (kept.length < Object.keys(versions).length) await this.#write({ ...rest, versions: Object.fromEntries(kept) })
    const ids = new Set(kept.map(([id]) => id))
    const entries = await readdir(this.#folder(name), { withFileTypes: true })
    for (const entry of entries) {
      if (entry.isDirectory() && !ids.has(entry.name)) await this.#trash(join(this.#folder(name), entry.name))
    }
  }

  async #write(record: PluginRecord): Promise<void> {
    await writeRecord(this.#folder(record.name), record)
    faultPoint('plugin.record-written')
    this.#records.set(record.name, record)
  }

  async #trash(path: string): Promise<void> {
    const trash = join(this.#options.folder, `${TRASH}${randomUUID()}`)
    await rename(path, trash)
    faultPoint('plugin.trashed')
    await this.#delete(trash)
  }

  /** What cannot be removed now is removed at the next start. */
  async #delete(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
      this.#options.logger.warn({ err: error, path }, 'What is left of a plugin cannot be removed.'),
    )
  }

  #exclusively<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#tail.then(work)
    this.#tail = done.catch(() => {})
    return done
  }
}

/** No name of a package holds a `+`. */
const folderName = (name: string): string => name.replace('/', '+')

const versionId = (version: string, content: string): string =>
  `${version.replaceAll(/[^0-9A-Za-z.+-]/g, '_').slice(0, 60)}-${Buffer.from(content.slice('sha256-'.length), 'base64').toString('hex').slice(0, 16)}`
