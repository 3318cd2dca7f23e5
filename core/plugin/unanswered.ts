/**
 * What a process has called and the host has not answered: the host holds all of it.
 *
 * U1 Every call is counted from its arrival to its answer, or to the end of its wire. Two with one id would hide each other.
 * U2 A wire is known from the host's first word on it to its end: a process that serves for weeks leaves nothing here.
 */

interface Call {
  readonly wire: number
  readonly id: number
}

/** Owns the sizes of the calls that wait, for each wire that is open. */
export class Unanswered {
  readonly #most: number
  readonly #wires = new Map<number, Map<number, number>>()
  #bytes = 0

  /** @param most Bytes of all calls together. */
  constructor(most: number) {
    this.#most = most
  }

  /** The host says something on a wire; the first time opens it. */
  open(wire: number): void {
    if (!this.#wires.has(wire)) this.#wires.set(wire, new Map())
  }

  /** @throws RangeError when more waits than may, or another call with this id. */
  add({ wire, id }: Call, bytes: number): void {
    const calls = this.#wires.get(wire)
    // It was sent before the end of its wire was heard of; nobody serves it.
    if (!calls) return
    if (calls.has(id)) throw new RangeError(`a second call ${id}`)
    calls.set(id, bytes)
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
  }
}
