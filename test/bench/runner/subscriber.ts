/**
 * A client that costs little: it looks at the numbers of what it is sent and parses nothing, so that what is measured is
 * the host.
 *
 * Owns one WebSocket to the host, and for each session that it follows the last number that came.
 * Every message is held against the one before it: what is missing and what comes twice is counted.
 */
import { once } from 'node:events'
import { connect } from 'node:net'
import { WebSocket } from 'ws'

const SEQ = Buffer.from('"seq":')
const SESSION = Buffer.from('"sessionId":"')
const LOG = Buffer.from('"method":"executionLog"')
const ENDED = Buffer.from('"method":"subscriptionEnded"')
const ID_LENGTH = 36
const BOUND_MS = 120_000

export interface Subscriber extends Disposable {
  /** Settles when the host has accepted the subscription. */
  follow(sessionId: string, after?: number): Promise<void>
  /** All messages so far. */
  readonly received: number
  readonly lost: number
  readonly doubled: number
  /** Subscriptions that the host has ended, by its reason. */
  readonly ended: readonly string[]
  /** Settles when that many messages have come in all, or that many subscriptions have ended. Bounded by 2 minutes. */
  until(holds: (subscriber: Subscriber) => boolean): Promise<void>
  /** Takes nothing from the socket any more. */
  stopReading(): void
  /** Hears of every frame with messages, as it came. */
  onFrame: ((frame: Buffer) => void) | undefined
}

export async function openSubscriber(socketPath: string): Promise<Subscriber> {
  const socket = new WebSocket('ws://localhost/ws', ['troupe.v1'], {
    createConnection: () => connect({ path: socketPath }),
    perMessageDeflate: false,
  })
  await once(socket, 'open')
  return new SocketSubscriber(socket)
}

class SocketSubscriber implements Subscriber {
  readonly #socket: WebSocket
  readonly #lastSeq = new Map<string, number>()
  readonly #calls = new Map<number, PromiseWithResolvers<void>>()
  readonly ended: string[] = []
  received = 0
  lost = 0
  doubled = 0
  onFrame: ((frame: Buffer) => void) | undefined
  #changed: (() => void) | undefined

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data) => this.#take(Buffer.isBuffer(data) ? data : Buffer.from(data as ArrayBuffer)))
    socket.on('error', () => {})
  }

  follow(sessionId: string, after = 0): Promise<void> {
    const id = this.#calls.size
    const call = Promise.withResolvers<void>()
    this.#calls.set(id, call)
    this.#lastSeq.set(sessionId, after)
    const params = { sessionId, after }
    this.#socket.send(JSON.stringify({ jsonrpc: '2.0', id, method: 'subscribeExecutionLogs', params }))
    return call.promise
  }

  async until(holds: (subscriber: Subscriber) => boolean): Promise<void> {
    const reached = Promise.withResolvers<void>()
    const state = () => `${this.received} messages came, ${this.lost} lost, ${this.doubled} doubled`
    const timer = setTimeout(() => reached.reject(new Error(`What was waited for did not come: ${state()}.`)), BOUND_MS)
    this.#changed = () => holds(this) && reached.resolve()
    this.#changed()
    try {
      await reached.promise
    } finally {
      clearTimeout(timer)
      this.#changed = undefined
    }
  }

  stopReading(): void {
    this.#socket.pause()
  }

  [Symbol.dispose](): void {
    this.#socket.terminate()
  }

  #take(frame: Buffer): void {
    const head = frame.subarray(0, 80)
    if (head.includes(LOG)) this.#count(frame)
    else if (head.includes(ENDED)) this.ended.push(/"reason":"(\w+)"/.exec(frame.toString())?.[1] ?? '?')
    else this.#settle(frame)
    this.#changed?.()
  }

  #count(frame: Buffer): void {
    const begin = frame.indexOf(SESSION) + SESSION.length
    const session = frame.toString('latin1', begin, begin + ID_LENGTH)
    let last = this.#lastSeq.get(session) ?? 0
    // Within a string of JSON the quotes would be escaped, so this finds the field and nothing else.
    for (let at = frame.indexOf(SEQ, begin); at !== -1; at = frame.indexOf(SEQ, at)) {
      at += SEQ.length
      const seq = toNumber(frame, at)
      this.received += 1
      if (seq <= last) this.doubled += 1
      else this.lost += seq - last - 1
      last = Math.max(last, seq)
    }
    this.#lastSeq.set(session, last)
    this.onFrame?.(frame)
  }

  #settle(frame: Buffer): void {
    const { id, error } = JSON.parse(frame.toString()) as { id?: number; error?: { message: string } }
    const call = id === undefined ? undefined : this.#calls.get(id)
    if (error) call?.reject(new Error(error.message))
    else call?.resolve()
  }
}

function toNumber(frame: Buffer, at: number): number {
  let figure = 0
  for (let byte = frame[at] ?? 0; byte >= 48 && byte <= 57; byte = frame[(at += 1)] ?? 0)
    figure = figure * 10 + byte - 48
  return figure
}
