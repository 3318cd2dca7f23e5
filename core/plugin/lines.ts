/** Bytes of one stream to lines, with the place in the stream where each one ends. */

export const LINE_LIMIT = 8 * 1024 * 1024
const PIECE_BYTES = 1024 * 1024
const NEWLINE = 0x0a
const RETURN = 0x0d
/** Space, tab and quotes. */
const BETWEEN_WORDS: ReadonlySet<number> = new Set([0x20, 0x09, 0x22, 0x27])
const LONGEST_WORD = 16 * 1024

/** `part` is a piece of a line over the limit; `end` is where in the stream it ends, in bytes. */
export interface Piece {
  readonly kind: 'line' | 'part'
  readonly text: string
  readonly end: number
}

/**
 * Splits at `\n` and `\r\n`; invalid UTF-8 becomes U+FFFD.
 *
 * Owns the bytes of the line that has not ended yet: at most the limit and one chunk. They are copies, so that a chunk is free
 * when its pieces were taken.
 */
export class LineSplitter {
  readonly #limit: number
  readonly #pieceBytes: number
  #held: Uint8Array[] = []
  #heldBytes = 0
  /** Set while in a line over the limit; keeps the bytes of a character that a cut went through. */
  #decoder: TextDecoder | undefined
  /** Where what is held ends in the stream. */
  #position = 0

  constructor(limit: number = LINE_LIMIT, pieceBytes: number = PIECE_BYTES) {
    this.#limit = limit
    this.#pieceBytes = pieceBytes
  }

  *push(bytes: Uint8Array, offset: number): Generator<Piece> {
    let start = 0
    for (let newline = bytes.indexOf(NEWLINE); newline >= 0; newline = bytes.indexOf(NEWLINE, start)) {
      this.#position = offset + newline
      yield* this.#endLine(bytes.subarray(start, newline), 1)
      start = newline + 1
    }
    this.#position = offset + bytes.length
    this.#hold(new Uint8Array(bytes.subarray(start)))
    if (this.#tooLong && this.#heldBytes > this.#pieceBytes) yield* this.#parts()
  }

  /** The last line, when the stream ends without a line end. */
  *finish(): Generator<Piece> {
    if (this.#heldBytes > 0) yield* this.#endLine(new Uint8Array(), 0)
  }

  get #tooLong(): boolean {
    return this.#decoder !== undefined || this.#heldBytes > this.#limit
  }

  *#endLine(rest: Uint8Array, lineEndBytes: 0 | 1): Generator<Piece> {
    this.#hold(rest)
    const end = this.#position + lineEndBytes
    if (this.#tooLong) {
      const decoder = yield* this.#parts()
      this.#decoder = undefined
      yield { kind: 'part', text: decoder.decode(this.#take()), end }
    } else {
      yield { kind: 'line', text: lineText(this.#take()), end }
    }
  }

  /** Gives away whole pieces, but keeps the last bytes, so that the end of the line has its part too. */
  *#parts(): Generator<Piece, TextDecoder> {
    const decoder = (this.#decoder ??= new TextDecoder('utf-8', { ignoreBOM: true }))
    let bytes = this.#take()
    while (bytes.length > this.#pieceBytes) {
      const length = betweenWords(bytes, this.#pieceBytes)
      const text = decoder.decode(bytes.subarray(0, length), { stream: true })
      bytes = bytes.subarray(length)
      yield { kind: 'part', text, end: this.#position - bytes.length }
    }
    this.#hold(bytes)
    return decoder
  }

  #hold(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
  }

  #take(): Uint8Array {
    const bytes = this.#held.length === 1 && this.#held[0] ? this.#held[0] : Buffer.concat(this.#held)
    this.#held = []
    this.#heldBytes = 0
    return bytes
  }
}

/** A cut at or before `limit` that goes through no word, if there is one near: each piece is masked alone, so a secret must be whole. */
function betweenWords(bytes: Uint8Array, limit: number): number {
  const lowest = Math.max(1, limit - LONGEST_WORD)
  for (let cut = limit; cut >= lowest; cut--) if (BETWEEN_WORDS.has(bytes[cut - 1] ?? 0)) return cut
  return limit
}

function lineText(bytes: Uint8Array): string {
  const end = bytes.at(-1) === RETURN ? bytes.length - 1 : bytes.length
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8', 0, end)
}
