/** A connection within one program. */
import { keepConnected } from './keep-connected.ts'
import type { ClientConnection } from './connection.ts'
import { makePortChannel, type Port } from '../port-channel.ts'

/** Speaks to `servePort` at the other end. Calls settle with HOST_UNREACHABLE when the port closes. */
export const connectPort = (port: Port): Promise<ClientConnection> =>
  keepConnected(() => Promise.resolve(makePortChannel(port)), { retryForMs: 0 })
