/** Messages on a stream of bytes: each is its length in four bytes, then itself. */

const HEADER_BYTES = 4

export function toFrame(payload: Uint8Array): Buffer {
  const header = Buffer.alloc(HEADER_BYTES)
  header.writeUInt32BE(payload.length)
  return Buffer.concat([header, payload])
}

/** Owns what has arrived of a frame that is not whole yet: at most `mostBytes`. */
export class FrameReader {
  readonly #mostBytes: number
  #chunks: Buffer[] = []
  #bytes = 0
  /** Of the frame that comes next; its header was read. */
  #wanted: number | undefined

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** The frames that are whole with this. @throws RangeError when one is larger than `mostBytes`. */
  *read(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    for (;;) {
      if (this.#wanted === undefined) {
        if (this.#bytes < HEADER_BYTES) return
        this.#wanted = this.#take(HEADER_BYTES).readUInt32BE()
        if (this.#wanted > this.#mostBytes) throw new RangeError(`a frame of ${this.#wanted} bytes`)
      }
      if (this.#bytes < this.#wanted) return
      const frame = this.#take(this.#wanted)
      this.#wanted = undefined
      yield frame
    }
  }

  #take(bytes: number): Buffer {
    const all = this.#chunks.length === 1 && this.#chunks[0] ? this.#chunks[0] : Buffer.concat(this.#chunks)
    this.#chunks = [all.subarray(bytes)]
    this.#bytes -= bytes
    return all.subarray(0, bytes)
  }
}
