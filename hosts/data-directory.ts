/** The data directory: where it is, what is in it, and that nobody else can write there. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { access, chmod, constants, mkdir, readdir, realpath, stat } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fail } from '../core/base/errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Absolute paths of everything in a data directory. */
export interface DataDirectory {
  readonly root: string
  readonly database: string
  /** The user's own configuration; may be missing. */
  readonly config: string
  /** Who the running host is: see host-file.ts. */
  readonly hostFile: string
  /** Held by the running host: see host-lock.ts. */
  readonly lock: string
  /** Where the running host listens for commands; outside of `root` when that path would be too long. */
  readonly socket: string
  readonly worktrees: string
  readonly plugins: string
  /** One folder a session, with the files of its processes. */
  readonly run: string
  readonly logs: string
  /** Logs of sessions that left the database, one file each; made when the first one does. */
  readonly archive: string
}

/** The shortest of the systems' limits on the path of a unix socket (macOS: 104 bytes with the closing NUL). */
const SOCKET_PATH_BYTES = 103

/** Group and others may write. */
const WRITABLE_BY_OTHERS = 0o022

const FOLDERS = ['worktrees', 'plugins', 'run', 'logs'] as const
/** One of these in a folder tells that it is a data directory, so that its mode is ours to set. */
const MARKS = new Set<string>([...FOLDERS, 'troupe.db', 'config.toml', 'host.lock', 'host.json'])

/**
 * Finds the data directory (`override`, else `TROUPE_HOME`, else `~/.troupe`) and makes it and its folders, readable by
 * their owner only.
 * @throws TroupeError DATA_DIR_UNUSABLE
 */
export async function openDataDirectory(env: Environment, override?: string): Promise<DataDirectory> {
  const wanted = dataDirectoryPath(env, override)
  await makePrivate(wanted)
  const root = await realpath(wanted)
  await assertRoot(root)
  await chmod(root, 0o700).catch(unusable(root))
  for (const folder of FOLDERS) await makePrivate(join(root, folder))
  return paths(root, await socketPath(root, env))
}

/** Where the data directory is or would be; touches nothing. */
export function dataDirectoryPath(env: Environment, override?: string): string {
  // An empty HOME would make it the folder that the command is called in.
  const home = env['HOME'] || userInfo().homedir
  const chosen = override || env['TROUPE_HOME'] || join(home, '.troupe')
  if (chosen.includes('\0')) fail('DATA_DIR_UNUSABLE', 'The path of the data directory holds a NUL character.')
  return chosen === '~' || chosen.startsWith('~/') ? join(home, chosen.slice(1)) : resolve(chosen)
}

function paths(root: string, socket: string): DataDirectory {
  const at = (name: string) => join(root, name)
  return {
    root,
    database: at('troupe.db'),
    config: at('config.toml'),
    hostFile: at('host.json'),
    lock: at('host.lock'),
    socket,
    worktrees: at('worktrees'),
    plugins: at('plugins'),
    run: at('run'),
    logs: at('logs'),
    archive: at('archive'),
  }
}

async function makePrivate(path: string): Promise<void> {
  await makeFolders(path).catch(unusable(path))
  await assertOurs(path)
}

/** Not mkdir's own recursion, which never ends where the system takes no folder below one that is there (/proc, automounters). */
async function makeFolders(path: string): Promise<void> {
  if (!existsSync(dirname(path))) await makeFolders(dirname(path))
  await mkdir(path, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
    // What it is that is there will be told later.
    if (error.code !== 'EEXIST') throw error
  })
}

/** Follows links: a data directory, or its worktrees, may well be on another disk. */
async function assertOurs(path: string): Promise<void> {
  const found = await stat(path).catch(unusable(path))
  if (!found.isDirectory()) refuse(path, 'is not a folder', 'Remove it or choose another folder')
  const user = process.getuid?.()
  if (user !== undefined && user !== 0 && found.uid !== user) {
    refuse(path, `belongs to the user with id ${found.uid}, not to you`, 'Choose a folder of your own')
  }
  await access(path, constants.R_OK | constants.W_OK | constants.X_OK).catch(unusable(path))
}

/** A folder that others can write may hold anything, and one full of other things was named by mistake. */
async function assertRoot(root: string): Promise<void> {
  const names = await readdir(root).catch(unusable(root))
  if (names.length === 0) return
  if (!names.some((name) => MARKS.has(name))) {
    refuse(root, 'is not empty and is not a data directory of Troupe', 'Choose an empty or a new folder')
  }
  const { mode } = await stat(root)
  if (process.platform !== 'win32' && (mode & WRITABLE_BY_OTHERS) !== 0) {
    refuse(root, 'can be written by other users', `Check what is in it, then run: chmod 700 '${root}'`)
  }
}

async function socketPath(root: string, env: Environment): Promise<string> {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 12)
  if (process.platform === 'win32') return `\\\\.\\pipe\\troupe-${name}`
  const inside = join(root, 'host.sock')
  if (fits(inside)) return inside
  const folder = join(env['XDG_RUNTIME_DIR'] || env['TMPDIR'] || tmpdir(), `troupe-${process.getuid?.() ?? 0}-${name}`)
  const outside = join(folder, 'host.sock')
  if (!fits(outside)) refuse(root, 'has too long a path for a socket', 'Choose a shorter one')
  await makePrivate(folder)
  const { mode } = await stat(folder)
  // A temporary folder is open to all: somebody else may have made ours before us.
  if (
    (await realpath(folder)) !== join(await realpath(join(folder, '..')), `troupe-${process.getuid?.() ?? 0}-${name}`)
  ) {
    refuse(folder, 'is a link', 'Remove it')
  }
  if ((mode & 0o077) !== 0) refuse(folder, 'is open to other users', 'Remove it')
  return outside
}

const fits = (path: string): boolean => Buffer.byteLength(path) <= SOCKET_PATH_BYTES

function refuse(path: string, why: string, advice: string): never {
  fail('DATA_DIR_UNUSABLE', `${path} ${why}. ${advice} (TROUPE_HOME or --home names the data directory).`, { path })
}

const unusable =
  (path: string) =>
  (error: unknown): never => {
    const reason = error instanceof Error ? error.message : String(error)
    refuse(path, `cannot be used: ${reason}`, 'Check its permissions or choose another folder')
  }
