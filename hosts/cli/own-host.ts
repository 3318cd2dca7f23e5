/**
 * A host in this process: the lock, the log, the engine, the doors and `host.json`, opened in this order and closed in the
 * other.
 */
import { randomBytes } from 'node:crypto'
import { TroupeError } from '../../core/base/errors.ts'
import { toIso } from '../../core/base/clock.ts'
import type { ComposedHost, composeHost } from '../compose.ts'
import type { DataDirectory, Environment } from '../data-directory.ts'
import { removeHostFile, writeHostFile } from '../host-file.ts'
import { acquireHostLock } from '../host-lock.ts'
import { openLogger } from '../logging.ts'
import { packageVersion } from '../package.ts'
import { keepHeapSmall } from '../quiet-heap.ts'
import type { Streams } from './streams.ts'

export type ComposeHost = typeof composeHost

export interface OwnHostOptions {
  readonly compose: ComposeHost
  readonly dataDirectory: DataDirectory
  readonly env: Environment
  /** Gets warnings of the host too. */
  readonly diagnostics?: Streams['stderr']
  /** Default: any free one. */
  readonly port?: PortChoice
  readonly startsSessions: boolean
}

/** `or: 'any'`: another one will do when this one is taken. */
export interface PortChoice {
  readonly port: number
  readonly or: 'fail' | 'any'
}

export interface OwnHost extends AsyncDisposable, Pick<ComposedHost, 'client' | 'atEnd'> {
  /** Without the token. */
  readonly url: string
  readonly token: string
}

/** @throws TroupeError HOST_ALREADY_RUNNING, CONFIG_INVALID, PORT_UNAVAILABLE, DATA_DIR_UNUSABLE, STORE_... */
export async function openOwnHost(options: OwnHostOptions): Promise<OwnHost> {
  const { dataDirectory, env, diagnostics, startsSessions } = options
  await using opened = new AsyncDisposableStack()
  opened.use(await acquireHostLock(dataDirectory))
  removeHostFile(dataDirectory)
  const logger = opened.use(openLogger({ dataDirectory, env, rotate: true, ...(diagnostics && { diagnostics }) }))
  const host = opened.use(await options.compose({ dataDirectory, env, logger, startsSessions }))
  const token = randomBytes(32).toString('base64url')
  const { url } = await listen(host, { token, socketPath: dataDirectory.socket }, options.port)
  opened.use(keepHeapSmall())
  const startedAt = toIso(Date.now())
  opened.defer(() => removeHostFile(dataDirectory))
  writeHostFile(dataDirectory, {
    pid: process.pid,
    version: packageVersion,
    url,
    token,
    socket: dataDirectory.socket,
    startedAt,
  })
  const owned = opened.move()
  return {
    client: host.client,
    atEnd: (choice) => host.atEnd(choice),
    url,
    token,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function listen(
  host: ComposedHost,
  doors: { readonly token: string; readonly socketPath: string },
  { port, or }: PortChoice = { port: 0, or: 'fail' },
): Promise<{ readonly url: string }> {
  try {
    return await host.listen({ ...doors, port })
  } catch (error) {
    if (or === 'fail' || !(error instanceof TroupeError) || error.code !== 'PORT_UNAVAILABLE') throw error
    return host.listen({ ...doors, port: 0 })
  }
}
