/** What is known of an installed plugin: a file beside its versions. */
import { randomBytes } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { TroupeError } from '../../base/errors.ts'
import { pluginIsolation, pluginWishes } from '../../contract/records.ts'

const RECORD = 'record.json'

const installedVersion = z.object({
  version: z.string(),
  /** Of all files: see tree.ts. */
  content: z.string(),
  /** What the user agreed to, or is asked. */
  wishes: pluginWishes,
  /** Folder of the package below that of the version. */
  package: z.string(),
  /** What npm says of where it came from: the checksum of the registry, the commit. */
  integrity: z.string().optional(),
  resolved: z.string().optional(),
  installedAt: z.string(),
})
export type InstalledVersion = z.infer<typeof installedVersion>

const pluginRecord = z.object({
  format: z.literal(1),
  name: z.string(),
  /** What the user named. */
  source: z.string(),
  isolation: pluginIsolation,
  enabled: z.boolean(),
  /** The version that new sessions run; none until the user has agreed to one. */
  current: z.string().optional(),
  /** One that waits for the user to agree. */
  pending: z.string().optional(),
  /** By the names of their folders; older ones are there for as long as sessions run them. */
  versions: z.record(z.string(), installedVersion),
})
export type PluginRecord = z.infer<typeof pluginRecord>

/** Undefined when the folder has none: somebody put it there. @throws TroupeError PLUGIN_CHANGED when it cannot be read. */
export async function readRecord(folder: string): Promise<PluginRecord | undefined> {
  const path = join(folder, RECORD)
  try {
    return pluginRecord.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined
    throw new TroupeError(
      'PLUGIN_CHANGED',
      `${path} cannot be read; remove the folder and install the plugin again.`,
      {},
      error,
    )
  }
}

/** Old or new after a crash, never a part. */
export async function writeRecord(folder: string, record: PluginRecord): Promise<void> {
  const path = join(folder, RECORD)
  const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await using file = await open(temporary, 'wx', 0o600)
    await file.writeFile(`${JSON.stringify(record, null, 2)}\n`)
    await file.sync()
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}
