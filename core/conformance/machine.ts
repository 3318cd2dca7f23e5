/** What a plugin has left on this machine. */
import { execFile } from 'node:child_process'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** The command lines of all processes, as every user can read them. */
export const readCommandLines = (): Promise<string> => ps('-A', '-ww', '-o', 'args=')

/** What the host starts for a plugin carries this in its environment; so do its descendants. */
const OWNED = ' TROUPE_PROCESS='
/** The process of a plugin that does not run in a thread. */
const CARRIER = /\/core\/plugin\/process\.[jt]s/

/** Ids of the processes that have `variable` in their environment, and that the host did not start. */
export async function findStrays(variable: string): Promise<number[]> {
  const lines = (await ps('axeww', '-o', 'pid=,args=')).split('\n')
  const strays = lines.filter((line) => line.includes(variable) && !line.includes(OWNED) && !CARRIER.test(line))
  return strays.map((line) => Number.parseInt(line, 10))
}

async function ps(...args: string[]): Promise<string> {
  const options = { env: { PATH: '/usr/bin:/bin' }, timeout: 10_000, maxBuffer: 64 << 20 }
  const { stdout } = await promisify(execFile)('ps', args, options)
  return stdout
}

/** Each file below the folders with its size and time; what git keeps is git's. */
export async function readFiles(folders: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const found = await Promise.all(
    folders.map(async (folder) => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      const paths = entries
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => !/\/\.git(\/|$)/.test(path))
      return Promise.all(paths.map(describe))
    }),
  )
  return new Map(found.flat())
}

async function describe(path: string): Promise<[string, string]> {
  const facts = await stat(path).catch(() => undefined)
  return [path, facts?.isFile() ? `${facts.size} ${facts.mtimeMs}` : '']
}

/** The first path that is in one only, or not the same. */
export const findChange = (
  before: ReadonlyMap<string, string>,
  after: ReadonlyMap<string, string>,
): string | undefined =>
  [...new Set([...before.keys(), ...after.keys()])].find((path) => before.get(path) !== after.get(path))
