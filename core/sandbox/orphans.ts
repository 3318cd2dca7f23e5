/** Ends what a killed host left running. */
import { readdir, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { Logger } from '../base/logger.ts'
import { type Ended, endProcesses } from './end-processes.ts'
import { readRecord, toProcessFolder } from './process-folder.ts'
import { openProcessTable, type ProcessIdentity } from './process-table.ts'

/** `<root>/<session>/<process>`. */
const DEPTH = 2

export interface OrphanOptions {
  readonly logger: Logger
  readonly graceMs?: number
}

/**
 * Ends every process of the process folders below `root`, with all descendants, by one search for all of them; to be
 * called before this host spawns anything there. A recorded process id that now belongs to another program is left
 * alone; a process without a record is found by its marker, even if its folder is gone.
 */
export async function endOrphans(root: string, { logger, graceMs = 2_000 }: OrphanOptions): Promise<Ended> {
  const real = await realpath(root).catch(() => root)
  const wrappers = await readWrappers(real, DEPTH)
  const condemned = { wrappers, marked: (folder: string) => folder.startsWith(real + sep) }
  const result = await endProcesses(openProcessTable(), condemned, graceMs)
  if (result.ended.length > 0) logger.info({ pids: result.ended }, 'ended processes that an earlier host left')
  if (result.left.length > 0)
    logger.error({ pids: result.left }, 'processes that an earlier host left survived SIGKILL')
  return result
}

async function readWrappers(path: string, depth: number): Promise<ProcessIdentity[]> {
  if (depth === 0) return readWrapper(path)
  const entries = await readdir(path, { withFileTypes: true }).catch(() => [])
  const found: ProcessIdentity[] = []
  for (const entry of entries) {
    if (entry.isDirectory()) found.push(...(await readWrappers(join(path, entry.name), depth - 1)))
  }
  return found
}

async function readWrapper(path: string): Promise<ProcessIdentity[]> {
  const record = await readRecord(toProcessFolder(path))
  return record ? [{ pid: record.pid, startTime: record.startTime }] : []
}
