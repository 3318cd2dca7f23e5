/** The file of a unix socket: its permissions are the authentication, so it never exists with others than 0600. */
import { chmod, lstat, mkdtemp, rename, rm } from 'node:fs/promises'
import { connect, type Server } from 'node:net'
import { once } from 'node:events'
import { dirname, join } from 'node:path'
import { TroupeError } from '../../base/errors.ts'

const PROBE_MS = 2_000

/**
 * Listens at `path`; disposing removes the file if it is still ours. A file left by a host that died is replaced.
 * @throws TroupeError HOST_ALREADY_RUNNING when someone listens there, DATA_DIR_UNUSABLE when the file cannot be made.
 */
export async function listenAtPath(server: Server, path: string): Promise<AsyncDisposable> {
  await assertFree(path)
  try {
    const inode = await bindPrivately(server, path)
    return { [Symbol.asyncDispose]: () => removeIfOurs(path, inode) }
  } catch (cause) {
    const words = cause instanceof Error ? cause.message : String(cause)
    const hint = 'use a data directory that can be written and whose path is shorter than 90 characters'
    throw new TroupeError(
      'DATA_DIR_UNUSABLE',
      `No socket can be made at ${path} (${words}); ${hint}.`,
      undefined,
      cause,
    )
  }
}

/** Binds in a folder that only we can enter, and moves the socket to its place when its permissions are right. */
async function bindPrivately(server: Server, path: string): Promise<bigint> {
  const folder = await mkdtemp(join(dirname(path), '.s'))
  try {
    const fresh = join(folder, 's')
    server.listen({ path: fresh })
    await once(server, 'listening')
    await chmod(fresh, 0o600)
    const { ino } = await lstat(fresh, { bigint: true })
    await rename(fresh, path)
    return ino
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function assertFree(path: string): Promise<void> {
  const file = await lstat(path).catch(() => undefined)
  if (file === undefined) return
  if (!file.isSocket()) throw new TroupeError('DATA_DIR_UNUSABLE', `${path} is not a socket; move it away.`)
  if (await isListening(path))
    throw new TroupeError('HOST_ALREADY_RUNNING', `Another host listens at ${path}; stop it first.`)
}

/** Only a refused connection says that nobody is there; anything else is taken for a live host. */
export async function isListening(path: string): Promise<boolean> {
  const socket = connect({ path })
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(PROBE_MS) })
    return true
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    return code !== 'ECONNREFUSED' && code !== 'ENOENT'
  } finally {
    socket.destroy()
  }
}

async function removeIfOurs(path: string, inode: bigint): Promise<void> {
  const file = await lstat(path, { bigint: true }).catch(() => undefined)
  if (file?.ino === inode) await rm(path, { force: true })
}
