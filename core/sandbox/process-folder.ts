/**
 * The folder of one process: what is in it, and nothing else knows the names.
 *
 * What a start makes there is small and made by synchronous calls: each takes some microseconds, where a turn of the thread
 * pool takes milliseconds on a busy machine, and an agent waits for all of them.
 */
import { closeSync, constants, mkdirSync, openSync, realpathSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { z } from 'zod'
import { fail, TroupeError } from '../base/errors.ts'
import { NO_EXIT_YET } from './exit-code.ts'
import { isShortage } from './shortage.ts'

export const EXIT_FILE = 'exit'
const MAX_RECORD_BYTES = 64 * 1024

export interface ProcessFolder {
  readonly path: string
  readonly out: string
  readonly err: string
  /** The FIFO of a live stdin; it may have been made ahead for a program that has another. */
  readonly in: string
  /** What stdin holds; absent when it is live or empty. */
  readonly content: string
  /** There while a text may have been written to the FIFO in part. */
  readonly inPart: string
  /** Holds no digit until the wrapper writes the exit code as a line. */
  readonly exit: string
  readonly record: string
}

const processRecord = z.object({
  version: z.literal(1),
  /** Of the wrapper: its session and group have the same number. */
  pid: z.int().positive(),
  startTime: z.string().min(1),
  program: z.string(),
  liveInput: z.boolean(),
  /** Milliseconds since 1970. */
  spawnedAt: z.number(),
})

/** Which process a folder belongs to, for the hosts after this one. */
export type ProcessRecord = z.infer<typeof processRecord>

export const toProcessFolder = (path: string): ProcessFolder => ({
  path,
  out: join(path, 'out'),
  err: join(path, 'err'),
  in: join(path, 'in'),
  content: join(path, 'content'),
  inPart: join(path, 'in.part'),
  exit: join(path, EXIT_FILE),
  record: join(path, 'process.json'),
})

/**
 * Makes the folder if it is missing, with the files that every process has, for nobody else to read. That may be done ahead,
 * in another place. The marker of a process is compared as text, so its folder gets its one real name.
 * @throws TroupeError PROCESS_START when a process has used the folder
 */
export function makeProcessFolder(path: string): ProcessFolder {
  if (!isAbsolute(path)) fail('PROCESS_START', `The folder of a process must be an absolute path, not ${path}.`)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const folder = toProcessFolder(realpathSync.native(path))
  makeNewFile(folder.out)
  makeNewFile(folder.err)
  makeNewFile(folder.exit, NO_EXIT_YET)
  makeNewFile(halfOf(folder))
  return folder
}

/** A folder that was made ahead, in its own place; nothing when there is none. */
export function moveProcessFolder(from: string, path: string): ProcessFolder | undefined {
  try {
    renameSync(from, path)
  } catch {
    return undefined
  }
  return toProcessFolder(realpathSync.native(path))
}

/**
 * Makes a file of the folder, for nobody else to read.
 * @throws TroupeError PROCESS_START when it exists (a symbolic link included): old output would be taken for new.
 */
export function makeNewFile(path: string, content = ''): void {
  try {
    writeFileSync(path, content, { flag: 'ax', mode: 0o600 })
  } catch (error) {
    if (isShortage(error)) throw error
    const text = `${path} cannot be made for a new process: ${String(error)}. Give it a folder that was never used.`
    throw new TroupeError('PROCESS_START', text, undefined, error)
  }
}

/** Readers see no record or the whole one. The program runs already: what it puts there instead of the file is refused. */
export function writeRecord(folder: ProcessFolder, record: ProcessRecord): void {
  const half = openSync(halfOf(folder), constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    writeSync(half, JSON.stringify(record))
  } finally {
    closeSync(half)
  }
  renameSync(halfOf(folder), folder.record)
}

/** Made before the process, so that its record takes no new file. */
const halfOf = ({ record }: ProcessFolder): string => `${record}.new`

/** Nothing when the host died before it wrote the record, or the file is not one. */
export async function readRecord(folder: ProcessFolder): Promise<ProcessRecord | undefined> {
  const text = await readPlain(folder.record).catch(() => 'null')
  try {
    return processRecord.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** The program knows the folder and runs as the same user: a pipe that it puts there would hold the reader for ever. */
async function readPlain(path: string): Promise<string> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  const state = await file.stat()
  return state.isFile() && state.size <= MAX_RECORD_BYTES ? await file.readFile('utf8') : 'null'
}
