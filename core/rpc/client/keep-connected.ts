/**
 * A connection that comes back after it was lost. Owns the current peer and the attempts to get a new one.
 * K1 A call under way when the connection is lost rejects with HOST_UNREACHABLE: no one knows whether it was done.
 * K2 A call made while the connection is lost waits for the next one, within its own bound.
 */
import { backoffMs, type Backoff } from '../../base/backoff.ts'
import { TroupeError } from '../../base/errors.ts'
import { silentLogger } from '../../base/logger.ts'
import { sleep } from '../../base/waiting.ts'
import { channelEnded, type Channel } from '../channel.ts'
import { openPeer, type Peer } from '../peer.ts'
import { abortReason, DEFAULT_TIMEOUT_MS, type CallOptions } from '../requester.ts'
import { makeRouterOf, type Router } from '../router.ts'
import { makeListeners, type ClientConnection } from './connection.ts'

export interface KeepOptions {
  readonly backoff?: Backoff
  /** How long a lost connection is tried again; default 60 000 ms. 0: never. */
  readonly retryForMs?: number
  /** Answers what the host asks of this client; none by default. */
  readonly router?: Router
}

type State =
  | { readonly at: 'open'; readonly peer: Peer }
  | { readonly at: 'lost'; readonly next: Promise<Peer> }
  | { readonly at: 'ended' }

const NO_METHODS = makeRouterOf({}, { handlers: {}, logger: silentLogger })

/** `open` makes a channel, or rejects; it is called again after each loss and given up when its signal aborts. */
export async function keepConnected(
  open: (signal: AbortSignal) => Promise<Channel>,
  options: KeepOptions = {},
): Promise<ClientConnection> {
  const ended = new AbortController()
  const heard = makeListeners<[name: string, params: unknown]>()
  const back = makeListeners<[]>()
  let state: State = { at: 'open', peer: attach(await open(ended.signal)) }

  function attach(channel: Channel): Peer {
    const router = options.router ?? NO_METHODS
    const onNotification = options.router ? undefined : heard.call
    const peer = openPeer({ channel, router, principal: { kind: 'local' }, ...(onNotification && { onNotification }) })
    channel.closed.addEventListener('abort', lost, { once: true })
    if (channel.closed.aborted) queueMicrotask(lost)
    return peer
  }

  function lost(): void {
    if (state.at !== 'open') return
    const next = reopen()
    state = { at: 'lost', next }
    next.then(returned, end)
  }

  function returned(peer: Peer): void {
    if (state.at === 'ended') return peer.close()
    state = { at: 'open', peer }
    if (peer.closed.aborted) return lost()
    back.call()
  }

  async function reopen(): Promise<Peer> {
    const { backoff = { firstMs: 50, maxMs: 5_000 }, retryForMs = 60_000 } = options
    const until = Date.now() + retryForMs
    for (let attempt = 0; Date.now() < until; attempt++) {
      await sleep(backoffMs(backoff, attempt), ended.signal)
      const channel = await open(ended.signal).catch(() => undefined)
      if (channel) return attach(channel)
    }
    throw new TroupeError('HOST_UNREACHABLE', 'The connection ended and the host did not come back; is it running?')
  }

  function end(reason: unknown): void {
    const last = state
    state = { at: 'ended' }
    ended.abort(reason)
    if (last.at === 'open') last.peer.close()
  }

  async function request(method: string, params: object, call?: CallOptions): Promise<unknown> {
    if (state.at === 'ended') throw ended.signal.reason
    const peer = state.at === 'open' ? state.peer : await waitFor(state.next, method, call) // K2
    return peer.request(method, params, call)
  }

  return {
    request,
    onNotification: heard.add,
    onReconnect: back.add,
    closed: ended.signal,
    async [Symbol.asyncDispose]() {
      end(channelEnded('it was closed'))
    },
  }
}

/** @throws TroupeError TIMEOUT or ABORTED, or whatever ended the connection for good. */
async function waitFor(next: Promise<Peer>, method: string, options: CallOptions = {}): Promise<Peer> {
  const { promise: givenUp, reject } = Promise.withResolvers<never>()
  const ms = options.timeoutMs ?? DEFAULT_TIMEOUT_MS
  const late = new TroupeError('TIMEOUT', `The connection to the host did not come back within ${ms} ms.`)
  const timer = setTimeout(() => reject(late), ms)
  const onAbort = () => reject(abortReason(method, options.signal))
  options.signal?.addEventListener('abort', onAbort, { once: true })
  if (options.signal?.aborted) onAbort()
  try {
    return await Promise.race([next, givenUp])
  } finally {
    clearTimeout(timer)
    options.signal?.removeEventListener('abort', onAbort)
  }
}
