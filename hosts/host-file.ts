/** `host.json`: who the running host is and where it listens. */
import { readFileSync, rmSync } from 'node:fs'
import { z } from 'zod'
import { writeFileAtomically } from './atomic-file.ts'
import type { DataDirectory } from './data-directory.ts'

const hostRecord = z.object({
  pid: z.int().positive(),
  /** Of Troupe. */
  version: z.string().optional(),
  /** The loopback address; absent while a command runs the engine in its own process. Holds no token. */
  url: z.string().optional(),
  /** What `url` asks for. */
  token: z.string().optional(),
  socket: z.string(),
  /** ISO 8601, UTC. */
  startedAt: z.string(),
})
export type HostRecord = z.infer<typeof hostRecord>

/** Only the holder of the lock writes or removes the file. Readable by its owner only: it holds the token. */
export function writeHostFile(directory: DataDirectory, record: HostRecord): void {
  writeFileAtomically(directory.hostFile, `${JSON.stringify(record, null, 2)}\n`)
}

export function removeHostFile(directory: DataDirectory): void {
  rmSync(directory.hostFile, { force: true })
}

/** What the file says; nothing when it is missing or damaged. Says nothing about whether that host still lives. */
export function readHostFile(directory: DataDirectory): HostRecord | undefined {
  try {
    return hostRecord.safeParse(JSON.parse(readFileSync(directory.hostFile, 'utf8'))).data
  } catch {
    return undefined
  }
}
