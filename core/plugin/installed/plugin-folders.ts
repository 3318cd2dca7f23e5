/**
 * The files of the plugins that were installed: `<folder>/<name>/record.json`, and beside it a folder for each version.
 *
 * Owns these folders. One process at a time has a data directory.
 *
 * D1 A version comes into its place by one rename, whole, and is never changed there. After a crash it is there or it is not.
 * D2 What is to go is renamed first, so that nothing half removed has the name of a plugin.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { TroupeError } from '../../base/errors.ts'
import { faultPoint } from '../../base/fault-point.ts'
import type { Logger } from '../../base/logger.ts'
import { type PluginRecord, readRecord, writeRecord } from './record.ts'

export interface PluginFoldersOptions {
  /** `plugins` of the data directory; it exists. */
  readonly folder: string
  readonly logger: Logger
}

/** A version to be placed. */
export interface NewVersion {
  /** Holds everything of it; in a staging folder. */
  readonly tree: string
  /** The name of its folder. */
  readonly id: string
  /** Of its plugin, with this version in it. */
  readonly record: PluginRecord
}

const STAGING = '.staging-'
const TRASH = '.trash-'

export class PluginFolders {
  readonly #folder: string
  readonly #logger: Logger

  constructor({ folder, logger }: PluginFoldersOptions) {
    this.#folder = folder
    this.#logger = logger
  }

  /** Reads what is there, and removes what a crash has left. */
  async open(): Promise<PluginRecord[]> {
    const records: PluginRecord[] = []
    for (const name of await readdir(this.#folder)) {
      if (name.startsWith(STAGING) || name.startsWith(TRASH)) await this.#delete(join(this.#folder, name))
      else records.push(...(await this.#read(name)))
    }
    return records
  }

  /** Of a plugin. */
  path(name: string): string {
    return join(this.#folder, folderName(name))
  }

  /** Gives the work an empty folder, which is gone when the work has ended. */
  async withStaging<T>(work: (folder: string) => Promise<T>): Promise<T> {
    const staging = await mkdtemp(join(this.#folder, STAGING))
    try {
      return await work(staging)
    } finally {
      await this.#delete(staging)
    }
  }

  /** The first version of a plugin comes with its record (D1). @throws TroupeError CONFLICT when something is in its place. */
  async placeFirst(staging: string, { tree, id, record }: NewVersion): Promise<void> {
    const whole = join(staging, 'plugin')
    await mkdir(whole, { mode: 0o700 })
    await rename(tree, join(whole, id))
    await writeRecord(whole, record)
    const path = this.path(record.name)
    await rename(whole, path).catch((error: unknown) => {
      const advice = `remove it, then install "${record.name}" again.`
      throw new TroupeError('CONFLICT', `${path} is there already; ${advice}`, {}, error)
    })
    faultPoint('plugin.installed')
  }

  /** D1; until the record is written nobody knows it. */
  async placeNext({ tree, id, record }: NewVersion): Promise<void> {
    await rename(tree, join(this.path(record.name), id))
    faultPoint('plugin.version-placed')
    await this.write(record)
  }

  async write(record: PluginRecord): Promise<void> {
    await writeRecord(this.path(record.name), record)
    faultPoint('plugin.record-written')
  }

  /** Removes the versions that the record of the plugin does not name. */
  async sweep({ name, versions }: PluginRecord): Promise<void> {
    const entries = await readdir(this.path(name), { withFileTypes: true })
    for (const entry of entries) {
      if (entry.isDirectory() && !Object.hasOwn(versions, entry.name))
        await this.#trash(join(this.path(name), entry.name))
    }
  }

  remove(name: string): Promise<void> {
    return this.#trash(this.path(name))
  }

  async #read(name: string): Promise<PluginRecord[]> {
    try {
      const record = await readRecord(join(this.#folder, name))
      return record && folderName(record.name) === name ? [record] : []
    } catch (error) {
      this.#logger.warn({ err: error, name }, 'The record of a plugin cannot be read.')
      return []
    }
  }

  // D2
  async #trash(path: string): Promise<void> {
    const trash = join(this.#folder, `${TRASH}${randomUUID()}`)
    await rename(path, trash)
    faultPoint('plugin.trashed')
    await this.#delete(trash)
  }

  /** What cannot be removed now is removed at the next start. */
  async #delete(path: string): Promise<void> {
    await rm(path, { recursive: true, force: true, maxRetries: 3 }).catch((error: unknown) =>
      this.#logger.warn({ err: error, path }, 'What is left of a plugin cannot be removed.'),
    )
  }
}

/** No name of a package holds a `+`. */
const folderName = (name: string): string => name.replace('/', '+')
