/**
 * What a process has called and the host has not answered: the host holds all of it.
 *
 * U1 Every call is counted from its arrival to its answer, or to the end of its wire. Two with one id would hide each other.
 */

interface Call {
  readonly wire: number
  readonly id: number
}

/** Owns the sizes of the calls that wait. */
export class Unanswered {
  readonly #most: number
  readonly #wires = new Map<number, Map<number, number>>()
  readonly #closed = new Set<number>()
  #bytes = 0

  /** @param most Bytes of all calls together. */
  constructor(most: number) {
    this.#most = most
  }

  /** @throws RangeError when more waits than may, or another call with this id. */
  add({ wire, id }: Call, bytes: number): void {
    // It was sent before its end was heard of; nobody serves it.
    if (this.#closed.has(wire)) return
    const calls = this.#wires.get(wire) ?? new Map<number, number>()
    if (calls.has(id)) throw new RangeError(`a second call ${id}`)
    this.#wires.set(wire, calls.set(id, bytes))
    this.#bytes += bytes
    if (this.#bytes > this.#most) throw new RangeError(`calls of ${this.#bytes} bytes`)
  }

  answer({ wire, id }: Call): void {
    const calls = this.#wires.get(wire)
    this.#bytes -= calls?.get(id) ?? 0
    calls?.delete(id)
  }

  close(wire: number): void {
    for (const bytes of this.#wires.get(wire)?.values() ?? []) this.#bytes -= bytes
    this.#wires.delete(wire)
    this.#closed.add(wire)
  }
}
