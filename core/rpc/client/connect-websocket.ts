/** A connection over a WebSocket, which comes back by itself. */
import type { ClientConnection } from './connection.ts'
import { keepConnected, type KeepOptions } from './keep-connected.ts'
import { openSocketChannel, SUBPROTOCOL, TOKEN_SUBPROTOCOL } from './socket-channel.ts'

export interface WebSocketOptions extends KeepOptions {
  /** The host's token; a page that the host served has it in a cookie instead. */
  readonly token?: string
}

/**
 * Connects to a host by its address, for example `http://127.0.0.1:7870`.
 * @throws TroupeError HOST_UNREACHABLE when the first try fails: the host is not there or the token is wrong.
 */
export function connectWebSocket(url: string, options: WebSocketOptions = {}): Promise<ClientConnection> {
  const address = new URL('/ws', url)
  address.protocol = address.protocol === 'https:' ? 'wss:' : 'ws:'
  const protocols = [SUBPROTOCOL, ...(options.token ? [TOKEN_SUBPROTOCOL + options.token] : [])]
  return keepConnected(
    (signal) => openSocketChannel(new WebSocket(address, protocols), address.origin, signal),
    options,
  )
}
