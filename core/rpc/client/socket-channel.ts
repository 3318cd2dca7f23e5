/** A channel over a WebSocket client. */
import { TroupeError } from '../../base/errors.ts'
import { channelEnded, makeInbox, toText, type Channel } from '../channel.ts'

/** What the WebSockets of browsers, of Node and of `ws` have in common. */
export interface WebSocketLike {
  send(text: string): void
  close(code?: number, reason?: string): void
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void
  addEventListener(type: 'open' | 'error', listener: () => void): void
  addEventListener(type: 'close', listener: (event: { readonly code: number; readonly reason: string }) => void): void
}

/** The subprotocol that both sides speak, and the prefix that carries a token where headers cannot be set. */
export const SUBPROTOCOL = 'troupe.v1'
export const TOKEN_SUBPROTOCOL = 'troupe.token.'

const CONNECT_TIMEOUT_MS = 10_000

/** Settles when the socket is open. @throws TroupeError HOST_UNREACHABLE. */
export function openSocketChannel(socket: WebSocketLike, where: string, signal: AbortSignal): Promise<Channel> {
  const { promise, resolve, reject } = Promise.withResolvers<Channel>()
  const ended = new AbortController()
  const inbox = makeInbox()
  const close = () => socket.close(1000)
  const timer = setTimeout(close, CONNECT_TIMEOUT_MS)
  signal.addEventListener('abort', close, { once: true })
  if (signal.aborted) close()

  socket.addEventListener('open', () => {
    clearTimeout(timer)
    resolve(makeChannel(socket, inbox.open, ended))
  })
  socket.addEventListener('message', ({ data }) => {
    if (typeof data === 'string') inbox.push(data)
  })
  // An error is always followed by a close, which says more; without a listener it would be an uncaught one.
  socket.addEventListener('error', () => {})
  socket.addEventListener('close', ({ code, reason }) => {
    clearTimeout(timer)
    signal.removeEventListener('abort', close)
    ended.abort(channelEnded(reason ? `${reason} (${code})` : `code ${code}`))
    reject(unreachable(where))
  })
  return promise
}

function makeChannel(socket: WebSocketLike, receive: Channel['receive'], ended: AbortController): Channel {
  return {
    send(...pieces) {
      if (ended.signal.aborted) return Promise.reject(ended.signal.reason)
      socket.send(toText(pieces))
      return Promise.resolve()
    },
    receive,
    closed: ended.signal,
    close() {
      ended.abort(channelEnded('it was closed'))
      socket.close(1000)
    },
  }
}

const unreachable = (where: string): TroupeError =>
  new TroupeError('HOST_UNREACHABLE', `No connection to ${where}; is the host running, and is its token right?`)
