/**
 * Owns the request of ours that is under way; there is one at a time.
 * R1 It is remembered and committed before it is written, so that no crash has it written twice.
 * R2 If a crash came between, the silence that follows tells: then it is made again. A prompt that the agent got nevertheless is
 *    cancelled first.
 * R3 Each has a bound, but for a turn: its silence is the host's to judge.
 */
import type { Connection, JsonObject, ProgramNames } from 'troupe/plugin'
import { tooLate } from './failure.ts'
import { type Reply, type Request, isCancelled, notificationLine, requestLine } from './protocol.ts'

const PROMPT = 'session/prompt'
/** For each request before the first turn; some agents install what they need. */
const SETUP_MS = 120_000
/** After a crash: how long nothing may be heard of a request before it is made again. One before the first turn does no harm twice. */
const DOUBT_MS = { setup: 2000, turn: 10_000 }
/** How long a cancelled turn may take to end. */
const CANCEL_MS = 3000

/** Plain data, for a checkpoint. */
export interface SavedCalls {
  /** How many were made; the next one's number. */
  readonly made: number
  readonly pending?: Request
  /** Anything came since then that shows that it has arrived. */
  readonly hasArrived: boolean
}

export class Calls {
  readonly #connection: Connection
  readonly #names: ProgramNames
  #saved: SavedCalls
  /** The turn is cancelled to begin it anew. */
  #isDoubting = false

  constructor(connection: Connection, names: ProgramNames, saved: SavedCalls) {
    this.#connection = connection
    this.#names = names
    this.#saved = saved
  }

  save(): SavedCalls {
    return this.#saved
  }

  make(method: string, params: JsonObject): void {
    const made = this.#saved.made + 1
    const pending = { id: `troupe-${made}`, method, params }
    this.#saved = { made, pending, hasArrived: false }
    this.#connection.remember()
    const { io } = this.#connection
    io.committed().then(
      () => this.#send(pending), // R1
      (error: unknown) => io.debug(`ACP: ${String(error)}`),
    )
    if (method === PROMPT) this.#connection.proceed()
    else this.#connection.within(SETUP_MS, () => this.#connection.end(tooLate(this.#names, method, SETUP_MS / 1000))) // R3
  }

  /** Not if the session ended before it was committed: an agent that is given its prompt then begins to work. */
  #send(request: Request): void {
    if (this.#connection.isOpen) void this.#connection.write(requestLine(request))
  }

  /** Goes on after a crash. */
  resume(): void {
    const { pending, hasArrived } = this.#saved
    if (!pending || hasArrived) return
    this.#connection.within(DOUBT_MS[pending.method === PROMPT ? 'turn' : 'setup'], () => this.#doubt(pending)) // R2
  }

  #doubt(pending: Request): void {
    if (pending.method !== PROMPT) return this.#repeat(pending)
    this.#isDoubting = true
    this.cancelTurn()
    this.#connection.within(CANCEL_MS, () => this.#repeat(pending))
  }

  #repeat({ method, params }: Request): void {
    this.#isDoubting = false
    this.make(method, params)
  }

  /** What is heard shows that the request has arrived. */
  arrive(): void {
    if (this.#saved.hasArrived || this.#isDoubting) return
    this.#saved = { ...this.#saved, hasArrived: true }
    this.#connection.proceed()
  }

  /** @returns The request that it answers, unless that was given up, or is made again. */
  settle(reply: Reply): Request | undefined {
    const { pending, made } = this.#saved
    if (!pending || reply.id !== pending.id) return undefined
    if (this.#isDoubting && this.#connection.isOpen && isCancelled(reply)) {
      this.#repeat(pending)
      return undefined
    }
    this.#isDoubting = false
    this.#saved = { made, hasArrived: true }
    this.#connection.proceed()
    return pending
  }

  cancelTurn(): void {
    const { sessionId = '' } = this.#saved.pending?.params ?? {}
    void this.#connection.write(notificationLine('session/cancel', { sessionId }))
  }
}
