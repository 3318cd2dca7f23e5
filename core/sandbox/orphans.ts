/** Ends what a killed host left running. */
import { readdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Logger } from '../base/logger.ts'
import { type Ended, endProcesses } from './end-processes.ts'
import { readRecord, toProcessFolder } from './process-folder.ts'
import { openProcessTable, type ProcessIdentity } from './process-table.ts'

/** Processes are at most so deep below the root: `<root>/<session>/<process>`. */
const DEPTH = 2

export interface OrphanOptions {
  readonly logger: Logger
  readonly graceMs?: number
  /** True for the name of a folder of the root whose processes go on: what runs in it is not touched. */
  readonly keep?: (name: string) => boolean
}

/**
 * Ends every process of the process folders below `root`, with all descendants, by one search for all of them; to be
 * called before this host spawns anything there. A recorded process id that now belongs to another program is left
 * alone; a process without a record is found by its marker, even if its folder is gone.
 */
export async function endOrphans(root: string, options: OrphanOptions): Promise<Ended> {
  const { logger, graceMs = 2_000, keep = () => false } = options
  const real = await realpath(root).catch(() => root)
  const prefix = real + sep
  const marked = (folder: string) => folder.startsWith(prefix) && !keep(folder.slice(prefix.length).split(sep)[0]!)
  const folders = (await listFolders(real)).filter((name) => !keep(name))
  const wrappers = await Promise.all(folders.map((name) => readWrappers(join(real, name), DEPTH - 1)))
  const result = await endProcesses(openProcessTable(), { wrappers: wrappers.flat(), marked }, graceMs)
  if (result.ended.length > 0) logger.info({ pids: result.ended }, 'ended processes that an earlier host left')
  if (result.left.length > 0)
    logger.error({ pids: result.left }, 'processes that an earlier host left survived SIGKILL')
  return result
}

async function readWrappers(path: string, depth: number): Promise<ProcessIdentity[]> {
  const record = await readRecord(toProcessFolder(path))
  if (record) return [{ pid: record.pid, startTime: record.startTime }]
  const names = depth > 0 ? await listFolders(path) : []
  return (await Promise.all(names.map((name) => readWrappers(join(path, name), depth - 1)))).flat()
}

async function listFolders(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}
