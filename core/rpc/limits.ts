/** What a peer may ask of us before it is told to stop. */

export interface RouterLimits {
  /** Calls in one batch. */
  readonly batch: number
  /** Levels of nesting in a JSON text. */
  readonly depth: number
  /** Subscriptions that one connection holds at a time. */
  readonly subscriptions: number
  /** Texts (calls or batches) of one connection that are answered at a time. */
  readonly inFlight: number
  /** Notifications to one connection that are under way at a time. */
  readonly notifying: number
}

export const routerLimits: RouterLimits = { batch: 100, depth: 64, subscriptions: 100, inFlight: 256, notifying: 8 }

export interface ServerLimits {
  /** Bytes of a request body. */
  readonly bodyBytes: number
  /** Bytes of a WebSocket message. */
  readonly frameBytes: number
  /** Bytes that wait for a slow peer before its connection is ended. */
  readonly bufferedBytes: number
  /** Connections of one listener at a time, WebSockets among them. */
  readonly connections: number
  /** Bound for the head of a request, milliseconds. */
  readonly headersTimeoutMs: number
  /** Bound for a whole request, head and body, and for a pause in taking the answer, milliseconds. */
  readonly requestTimeoutMs: number
  /** Time between pings; a peer that has not answered one by the next is gone. Milliseconds. */
  readonly pingMs: number
  /** How long a closing server waits for calls at work, milliseconds. */
  readonly closeMs: number
}

export const serverLimits: ServerLimits = {
  bodyBytes: 4 * 1024 * 1024,
  frameBytes: 4 * 1024 * 1024,
  bufferedBytes: 16 * 1024 * 1024,
  connections: 256,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  pingMs: 30_000,
  closeMs: 2_000,
}
