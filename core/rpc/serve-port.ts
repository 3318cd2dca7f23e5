/** The serving side of an in-process connection. */
import type { Principal } from './access.ts'
import { openPeer, type Peer } from './peer.ts'
import { makePortChannel, type Port } from './port-channel.ts'
import type { Router } from './router.ts'

/** Answers calls that come over a port, until the port closes. A port has no token: who holds it is `principal`. */
export const servePort = (router: Router, port: Port, principal: Principal = { kind: 'local' }): Peer =>
  openPeer({ channel: makePortChannel(port), router, principal })
