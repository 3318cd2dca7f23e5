/** A process of the session as the plugin sees it; its output is read in the plugin's thread, on credit. */
import type { AgentProcess, OutputLine } from './contract/io.ts'
import type { OutputChunk } from './host-io.ts'
import { LineSplitter, type Piece } from './lines.ts'
import type { Outbox } from './outbox.ts'
import type { Cursor } from './progress.ts'
import type { SessionMethods } from './protocol.ts'
import type { Wire } from './wire.ts'

export interface ProcessParts {
  readonly wire: Wire<SessionMethods>
  readonly outbox: Outbox
  readonly cursor: Cursor
  /** Logs output that the plugin shall not see. */
  readonly raw: (stream: string, content: string) => Promise<void>
}

/** The process that the host knows as `number`. */
export function makeAgentProcess(number: number, parts: ProcessParts): AgentProcess {
  const { wire } = parts
  const exited = handled(wire.call('exited', number))
  return {
    lines: new OutputReader(number, parts).lines(),
    exited,
    write: (text) => wire.call('write', { process: number, text }),
    signal: (name) => wire.call('signal', { process: number, name }),
    stop: () => wire.call('stop', number),
  }
}

/** Owns the reading of one process: one piece in work, one asked for ahead. */
class OutputReader {
  readonly #number: number
  readonly #parts: ProcessParts
  readonly #streams = { stdout: new LineSplitter(), stderr: new LineSplitter() }
  readonly #begun = new Set<string>()

  constructor(number: number, parts: ProcessParts) {
    this.#number = number
    this.#parts = parts
  }

  async *lines(): AsyncGenerator<OutputLine> {
    let ahead = this.#read()
    for (let chunk = await ahead; chunk; chunk = await ahead) {
      ahead = this.#read()
      this.#begin(chunk)
      yield* this.#hand(chunk.stream, this.#streams[chunk.stream].push(chunk.bytes, chunk.offset))
    }
    yield* this.#hand('stdout', this.#streams.stdout.finish())
    yield* this.#hand('stderr', this.#streams.stderr.finish())
  }

  /** A plugin may turn away from the lines while a read is under way. */
  #read(): Promise<OutputChunk | null> {
    return handled(this.#parts.wire.call('read', this.#number))
  }

  #begin({ stream, offset }: OutputChunk): void {
    if (this.#begun.has(stream)) return
    this.#begun.add(stream)
    this.#parts.cursor.begin(stream, offset)
  }

  async *#hand(stream: 'stdout' | 'stderr', pieces: Iterable<Piece>): AsyncGenerator<OutputLine> {
    const { cursor, outbox, raw } = this.#parts
    for (const { kind, text, end } of pieces) {
      if (kind === 'part') {
        cursor.skip(stream, end)
        await raw(stream, text)
      } else {
        cursor.handOut()
        yield { stream, text }
        cursor.takeBack(stream, end)
      }
      outbox.betweenLines()
    }
  }
}

/** A rejection that nobody waits for shall not end the thread. */
function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
