/** A process of the session as the plugin sees it; its output is read in the plugin's thread, on credit. */
import type { AgentProcess, OutputLine } from './contract/io.ts'
import type { OutputChunk } from './host-io.ts'
import { LineSplitter, type Piece } from './lines.ts'
import type { Outbox } from './outbox.ts'
import type { Offsets } from './progress.ts'
import type { SessionMethods } from './protocol.ts'
import type { Wire } from './wire.ts'

export interface ProcessParts {
  readonly wire: Wire<SessionMethods>
  readonly outbox: Outbox
  readonly offsets: Offsets
  /** Logs output that the plugin shall not see. */
  readonly raw: (stream: string, content: string) => void
}

/** The process that the host knows as `number`. */
export function makeAgentProcess(number: number, parts: ProcessParts): AgentProcess {
  const { wire } = parts
  const exited = handled(wire.call('exited', number))
  const reader = new OutputReader(number, parts)
  return {
    get lines() {
      return reader.lines()
    },
    get batches() {
      return reader.batches()
    },
    exited,
    write: (text) => wire.call('write', { process: number, text }),
    signal: (name) => wire.call('signal', { process: number, name }),
    stop: () => wire.call('stop', number),
  }
}

/** Lines of one stream that arrived together. */
interface Group {
  readonly stream: 'stdout' | 'stderr'
  readonly lines: readonly Piece[]
}

/** Owns the reading of one process: one piece in work, one asked for ahead. */
class OutputReader {
  readonly #number: number
  readonly #parts: ProcessParts
  readonly #streams = { stdout: new LineSplitter(), stderr: new LineSplitter() }

  constructor(number: number, parts: ProcessParts) {
    this.#number = number
    this.#parts = parts
  }

  async *lines(): AsyncGenerator<OutputLine> {
    const { offsets, outbox } = this.#parts
    for await (const { stream, lines } of this.#groups()) {
      for (const { text, end } of lines) {
        outbox.handOut()
        try {
          yield { stream, text }
          offsets[stream] = end // P1
        } finally {
          outbox.takeBack()
        }
      }
    }
  }

  async *batches(): AsyncGenerator<readonly OutputLine[]> {
    const { offsets, outbox } = this.#parts
    for await (const { stream, lines } of this.#groups()) {
      outbox.handOut()
      try {
        yield lines.map(({ text }) => ({ stream, text }))
        offsets[stream] = lines.at(-1)?.end ?? offsets[stream] // P1
      } finally {
        outbox.takeBack()
      }
    }
  }

  async *#groups(): AsyncGenerator<Group> {
    const { outbox } = this.#parts
    let ahead = this.#read()
    for (let chunk = await ahead; chunk; chunk = await ahead) {
      ahead = this.#read()
      yield* this.#group(chunk.stream, this.#streams[chunk.stream].push(chunk.bytes, chunk.offset))
      free(chunk.bytes)
      outbox.rest()
      await outbox.room()
    }
    yield* this.#group('stdout', this.#streams.stdout.finish())
    yield* this.#group('stderr', this.#streams.stderr.finish())
  }

  /** Parts of a line that is too long are logged in their place. */
  *#group(stream: Group['stream'], pieces: Iterable<Piece>): Generator<Group> {
    let lines: Piece[] = []
    for (const piece of pieces) {
      if (piece.kind === 'line') {
        lines.push(piece)
      } else {
        if (lines.length > 0) yield { stream, lines }
        lines = []
        this.#parts.raw(stream, piece.text)
        this.#parts.offsets[stream] = piece.end
      }
    }
    if (lines.length > 0) yield { stream, lines }
  }

  /** A plugin may turn away from the lines while a read is under way. */
  #read(): Promise<OutputChunk | null> {
    return handled(this.#parts.wire.call('read', this.#number))
  }
}

/** At once: the collector of a thread does not see how much memory hangs on what is small in its heap. */
function free({ buffer, byteLength }: Uint8Array): void {
  // In a process of its own a chunk is a part of what came with it.
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}

/** A rejection that nobody waits for shall not end the thread. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
