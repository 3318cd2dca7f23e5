/** Finds the host that runs on a data directory. */
import { request } from '../core/rpc/node-http.ts'
import type { DataDirectory } from './data-directory.ts'
import { type HostRecord, readHostFile } from './host-file.ts'
import { isHostLockHeld } from './host-lock.ts'

export type HostState =
  | { readonly kind: 'none' }
  | { readonly kind: 'running'; readonly host: HostRecord }
  /** The lock is held, but nobody answers: a host that starts, ends or hangs. */
  | { readonly kind: 'unreachable'; readonly host?: HostRecord }

const ANSWER_WITHIN_MS = 2000

/** Looks for the file, an answer on the socket, then the lock, which may have been removed; takes at most two seconds. */
export async function findRunningHost(directory: DataDirectory): Promise<HostState> {
  const host = readHostFile(directory)
  if (host && (await answers(host.socket))) return { kind: 'running', host }
  if (!isHostLockHeld(directory)) return { kind: 'none' }
  return host ? { kind: 'unreachable', host } : { kind: 'unreachable' }
}

/** Any HTTP answer will do; a mere connection would not, because a process that hangs still accepts it. */
function answers(socketPath: string): Promise<boolean> {
  return new Promise((settle) => {
    const probe = request({ socketPath, path: '/rpc', method: 'HEAD', signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
    probe.once('response', (response) => {
      response.resume()
      settle(true)
    })
    probe.once('error', () => settle(false))
    probe.end()
  })
}
