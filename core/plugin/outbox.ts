/**
 * Messages of a session on their way out of the plugin's thread.
 *
 * Owns the messages that are not sent yet. At most one batch is under way.
 *
 * O1 Messages leave in the order in which they were added.
 * O2 A batch carries the progress of the moment at which it is taken. It is never taken while the plugin works on a line, unless
 *    the plugin itself waits there: what a line led to and the line's end are committed together.
 * O3 A checkpoint without messages waits a moment for the next ones, unless somebody waits for its commit, or it is the first: with
 *    that one the session can be continued.
 * O4 What is kept is bounded: at `ROOM_BYTES` the plugin gets no further line, or waits in `add` where it has none in hand; a
 *    plugin that does not wait is ended at `FLOOD_BYTES`.
 */
import { TroupeError } from '../base/errors.ts'
import type { Progress } from './host-io.ts'
import type { Batch } from './protocol.ts'

const BATCH_MESSAGES = 200
const BATCH_BYTES = 256 * 1024
const ROOM_BYTES = 1024 * 1024
const FLOOD_BYTES = 64 * 1024 * 1024
/** An agent that was told something mostly says something at once, and one commit does for both. */
const CHECKPOINT_PAUSE_MS = 10
/** What a message costs in memory beside its text. */
const MESSAGE_OVERHEAD = 128

export interface OutboxPorts {
  /** Settles when the batch is committed. */
  send(batch: Batch): Promise<void>
  progress(): Progress
}

export class Outbox {
  readonly #ports: OutboxPorts
  #messages: string[] = []
  #bytes = 0
  /** What is to be sent beside messages; one that waits is sent with the next of them (O3). */
  #checkpoint: 'none' | 'waiting' | 'due' = 'none'
  #pause: NodeJS.Timeout | undefined
  /** No checkpoint has come yet. */
  #isFirst = true
  #underWay: Promise<void> | undefined
  /** How many batches were taken, and how many of them are no longer under way. */
  #taken = 0
  #settled = 0
  /** Who waits for which batch, in order. */
  readonly #waiting: { readonly batch: number; readonly resolve: () => void }[] = []
  #scheduled = false
  /** What `add` gives to a plugin that shall wait; one for all, so that a flood of calls costs no promises. */
  #room: PromiseWithResolvers<void> | undefined
  #failure: unknown
  /** Lines that the plugin works on. */
  #inHand = 0

  constructor(ports: OutboxPorts) {
    this.#ports = ports
  }

  /**
   * Adds the JSON of a message; settles when the plugin may go on (O4).
   * @throws TroupeError PLUGIN_MESSAGE, at once, when the plugin floods.
   */
  add(json: string): Promise<void> {
    if (this.#bytes > FLOOD_BYTES) this.#refuse()
    this.#messages.push(json)
    this.#bytes += json.length + MESSAGE_OVERHEAD
    this.#schedule()
    return this.#inHand > 0 ? READY : this.room() // O2
  }

  /** The plugin gets a line to work on. */
  handOut(): void {
    this.#inHand++
  }

  /** The plugin is done with its line: the best moment to take a full batch (O2). */
  takeBack(): void {
    this.#inHand--
    if (this.#messages.length >= BATCH_MESSAGES || this.#bytes >= BATCH_BYTES) this.#flush()
  }

  /** No further line is at hand: what the last ones led to leaves without a pause. */
  rest(): void {
    this.#flush()
  }

  /** Settles when there is room for more (O4). */
  room(): Promise<void> {
    if (this.#bytes < ROOM_BYTES) return READY
    this.#room ??= Promise.withResolvers<void>()
    return this.#room.promise
  }

  /** Sends the progress with the next messages, or soon without any (O3). */
  touch(): void {
    if (this.#checkpoint !== 'none') return
    this.#checkpoint = 'waiting'
    if (this.#isFirst) this.#hurry()
    else this.#pause = setTimeout(() => this.#hurry(), CHECKPOINT_PAUSE_MS)
    this.#isFirst = false
  }

  /** Settles when all that was added so far is committed. @throws what a batch failed with. */
  async committed(): Promise<void> {
    // What is under way may have been taken before the last of it was added; what is added from now on is not waited for.
    const last = this.#empty ? this.#taken : this.#taken + 1
    if (last > this.#settled) {
      this.#hurry() // O2, O3
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#waiting.push({ batch: last, resolve })
      await promise
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Settles when all that was added is committed. @throws what a batch failed with. */
  async drained(): Promise<void> {
    while (!this.#empty || this.#underWay) {
      this.#waitNoLonger()
      this.#flush()
      await this.#underWay
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Sends all there is, whatever is under way: for the last moment of a thread. */
  sendRest(): void {
    if (this.#empty) return
    const sent = this.#ports.send(this.#take()).catch(() => {})
    void sent.then(() => this.#settle())
  }

  get #empty(): boolean {
    return this.#messages.length === 0 && this.#checkpoint === 'none'
  }

  #waitNoLonger(): void {
    if (this.#checkpoint === 'waiting') this.#checkpoint = 'due'
  }

  #hurry(): void {
    this.#waitNoLonger()
    this.#schedule()
  }

  /** After the lines at hand: their messages leave together. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#underWay || (this.#messages.length === 0 && this.#checkpoint !== 'due')) return
    this.#underWay = this.#send(this.#take())
  }

  #take(): Batch {
    this.#taken++
    const batch = { messages: this.#messages, progress: this.#ports.progress() }
    this.#messages = []
    this.#bytes = 0
    this.#checkpoint = 'none'
    clearTimeout(this.#pause)
    this.#room?.resolve()
    this.#room = undefined
    return batch
  }

  #refuse(): never {
    this.#messages = []
    throw floodError()
  }

  async #send(batch: Batch): Promise<void> {
    try {
      await this.#ports.send(batch)
    } catch (error) {
      this.#failure ??= error
    } finally {
      this.#underWay = undefined
      this.#settle()
      this.#schedule() // What waited for this batch goes before the next one.
    }
  }

  #settle(): void {
    this.#settled++
    const open = this.#waiting.findIndex(({ batch }) => batch > this.#settled)
    for (const { resolve } of this.#waiting.splice(0, open < 0 ? Infinity : open)) resolve()
  }
}

const READY = Promise.resolve()

const floodError = (): TroupeError =>
  new TroupeError(
    'PLUGIN_MESSAGE',
    `The plugin is a flood: it emitted more than ${FLOOD_BYTES / 1024 / 1024} MiB of messages without awaiting emit.`,
  )
