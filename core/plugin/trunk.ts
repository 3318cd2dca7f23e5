/**
 * One port between the host and where a plugin runs, and the wires that run through it.
 *
 * Owns the port and the wires. A session costs a number in a map, not a port of its own.
 *
 * K1 Messages of all wires arrive in the order of their sending.
 * K2 A wire that is closed at one end closes at the other; what arrives for one that is not there is dropped.
 */
import type { Port } from './port.ts'
import { type Handlers, type Received, Wire } from './wire.ts'

type Addressed = Received & { readonly wire: number }
type Closed = { readonly kind: 'closed'; readonly wire: number }

interface Receiver {
  receive(message: Received): Promise<void>
  forget(): void
  abandon(): void
}

interface Held {
  readonly wire: Receiver
  readonly onClosed: (() => void) | undefined
}

export class Trunk implements Disposable {
  readonly #port: Port
  readonly #wires = new Map<number, Held>()
  /** Settles when the port is closed and all that the other end sent before was received. */
  readonly closed: Promise<void>

  constructor(port: Port) {
    this.#port = port
    const closed = Promise.withResolvers<void>()
    this.closed = closed.promise
    port.on('message', (message) => isAddressed(message) && this.#receive(message))
    port.on('close', () => {
      this.#abandon()
      closed.resolve()
    })
  }

  /**
   * The end of wire `number` on this side; the other side opens the same number.
   * @param onClosed Called when the other side, or the port, closes it.
   */
  open<Remote, Local>(number: number, handlers: Handlers<Local>, onClosed?: () => void): Wire<Remote, Local> {
    const wire = new Wire<Remote, Local>(
      {
        send: (message, transfer) => this.#port.postMessage({ ...message, wire: number }, transfer),
        close: () => {
          this.#wires.delete(number)
          this.#port.postMessage({ kind: 'closed', wire: number } satisfies Closed, [])
        },
      },
      handlers,
    )
    this.#wires.set(number, { wire, onClosed })
    return wire
  }

  [Symbol.dispose](): void {
    this.#abandon()
    this.#port.close()
  }

  #receive(message: Addressed | Closed): void {
    const held = this.#wires.get(message.wire)
    if (message.kind !== 'closed') return void held?.wire.receive(message)
    this.#wires.delete(message.wire)
    held?.wire.forget()
    held?.onClosed?.()
  }

  #abandon(): void {
    const held = [...this.#wires.values()]
    this.#wires.clear()
    for (const { wire, onClosed } of held) {
      wire.abandon()
      onClosed?.()
    }
  }
}

/** Both ends send nothing else; what a process sends is checked before. */
const isAddressed = (message: unknown): message is Addressed | Closed =>
  typeof message === 'object' && message !== null && 'wire' in message
