/** How a command reaches the engine: through the running host, or in its own process when there is none. */
import { TroupeError, fail } from '../../core/base/errors.ts'
import { sleep } from '../../core/base/waiting.ts'
import { connectUnixWebSocket } from '../../core/rpc/client-node/unix.ts'
import { type Client, makeClient } from '../../core/rpc/client/index.ts'
import type { HostRecord } from '../host-file.ts'
import { packageVersion } from '../package.ts'
import { type HostState, findRunningHost } from '../running-host.ts'
import { type BackgroundHostOptions, startBackgroundHost } from './background-host.ts'
import { type OwnHostOptions, openOwnHost } from './own-host.ts'

export interface Connection extends AsyncDisposable {
  readonly client: Client
  /** `own`: the engine runs in this process, and what it does ends with it. */
  readonly mode: 'host' | 'own'
  /** Of the program that runs the engine, if it is another one than this. */
  readonly otherVersion?: string
  /** Lets the work go on after this process: a background host takes it over when the engine runs here. Ends the connection. */
  leaveRunning(): Promise<void>
}

export interface ConnectOptions extends BackgroundHostOptions, Omit<OwnHostOptions, 'port'> {
  /** Where to do the work when no host runs; `background` starts a host that stays. */
  readonly otherwise: 'own' | 'background'
}

/** Another command may hold the data directory for its own short work. */
const PATIENCE_MS = 15_000
const TRY_AGAIN_MS = 150

/** @throws TroupeError HOST_ALREADY_RUNNING, HOST_UNREACHABLE, and as `openOwnHost` does */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const state = await findRunningHost(options.dataDirectory)
    const connection = await attempt(state, options)
    if (connection) return connection
    if (Date.now() > deadline) return giveUp(state, options)
    await sleep(TRY_AGAIN_MS, options.signal)
  }
}

/** Undefined when things have changed under way: somebody else began or ended. */
async function attempt(state: HostState, options: ConnectOptions): Promise<Connection | undefined> {
  try {
    if (state.kind === 'running') return await connectTo(state.host)
    if (state.kind === 'unreachable') return undefined
    if (options.otherwise === 'own') return await openHere(options)
    return await connectTo(await startBackgroundHost(options))
  } catch (error) {
    const passing = error instanceof TroupeError && (error.code === 'HOST_ALREADY_RUNNING' || isGone(error, state))
    if (passing) return undefined
    throw error
  }
}

const isGone = (error: TroupeError, state: HostState): boolean =>
  error.code === 'HOST_UNREACHABLE' && state.kind === 'running'

async function connectTo({ socket, version }: HostRecord): Promise<Connection> {
  const connection = await connectUnixWebSocket(socket)
  return {
    client: makeClient(connection),
    mode: 'host',
    ...(version !== undefined && version !== packageVersion && { otherVersion: version }),
    leaveRunning: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  }
}

async function openHere(options: ConnectOptions): Promise<Connection> {
  const host = await openOwnHost(options)
  return {
    client: host.client,
    mode: 'own',
    async leaveRunning() {
      host.atEnd('leave')
      await host[Symbol.asyncDispose]()
      await startBackgroundHost(options)
    },
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  }
}

function giveUp(state: HostState, { dataDirectory }: ConnectOptions): never {
  const host = state.kind === 'none' ? undefined : state.host
  const who = host ? `The host with pid ${host.pid} (started ${host.startedAt})` : 'Another process'
  fail('HOST_UNREACHABLE', `${who} holds ${dataDirectory.root} but does not answer. End it, then try again.`, {
    root: dataDirectory.root,
    ...(host && { pid: host.pid }),
  })
}
