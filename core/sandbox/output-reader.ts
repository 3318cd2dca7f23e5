/**
 * Reads the two output files of a process from given offsets, a chunk at a time and only when asked.
 *
 * Calls are synchronous: the bytes were just written and lie in memory, where a small read takes 10 us, against 200 us
 * through the thread pool. No descriptor is held between them: a thousand idle processes cost none.
 *
 * A program can truncate its own output (`echo >/dev/stdout`): what follows is read from the new beginning, and
 * offsets go on counting.
 */
import { closeSync, constants, lstatSync, openSync, readSync } from 'node:fs'
import { TroupeError } from '../base/errors.ts'
import type { ProcessFolder } from './process-folder.ts'
import { isShortage } from './shortage.ts'
import type { OutputChunk } from './types.ts'

const CHUNK_BYTES = 256 * 1024

interface Stream {
  readonly name: OutputChunk['stream']
  readonly file: string
  /** What the consumer counts. */
  offset: number
  /** Where that is in the file. */
  position: number
  /** The file is not read past this. */
  end: number
}

/** `limit`: bytes beyond it are there, and all before were given. `shortage`: the system has no descriptor left now. */
export type Reading = { readonly chunk: OutputChunk } | 'nothing' | 'limit' | 'shortage'

export class OutputReader {
  readonly #folder: ProcessFolder
  readonly #streams: readonly Stream[]
  #budget: number
  #turn = 0

  constructor(folder: ProcessFolder, { stdout, stderr }: { stdout: number; stderr: number }, limitBytes: number) {
    this.#folder = folder
    this.#budget = limitBytes - stdout - stderr
    this.#streams = [toStream('stdout', folder.out, stdout), toStream('stderr', folder.err, stderr)]
  }

  /**
   * The next chunk, in turn from both streams.
   * @throws TroupeError DATA_DIR_UNUSABLE when the files are gone or cannot be read.
   */
  read(): Reading {
    try {
      return this.#read()
    } catch (error) {
      return isShortage(error) ? 'shortage' : this.#fail(error)
    }
  }

  /** Takes what is in the files now for all there will be. */
  sealEnd(): void {
    try {
      for (const stream of this.#streams) stream.end = lstatSync(stream.file).size
    } catch (error) {
      this.#fail(error)
    }
  }

  #read(): Reading {
    for (const _ of this.#streams) {
      const stream = this.#streams[this.#turn]!
      this.#turn = (this.#turn + 1) % this.#streams.length
      const size = Math.min(remaining(stream), CHUNK_BYTES)
      if (size > 0 && this.#budget <= 0) return 'limit'
      const chunk = size > 0 ? readChunk(stream, Math.min(size, this.#budget)) : undefined
      if (chunk) {
        this.#budget -= chunk.bytes.length
        return { chunk }
      }
    }
    return 'nothing'
  }

  #fail(error: unknown): never {
    const text = `The output in ${this.#folder.path} cannot be read: ${String(error)}. The session cannot go on; start a new one.`
    throw new TroupeError('DATA_DIR_UNUSABLE', text, undefined, error)
  }
}

const toStream = (name: Stream['name'], file: string, offset: number): Stream => ({
  name,
  file,
  offset,
  position: offset,
  end: Infinity,
})

function remaining(stream: Stream): number {
  const { size } = lstatSync(stream.file)
  if (size < stream.position) stream.position = 0
  return Math.min(size, stream.end) - stream.position
}

function readChunk(stream: Stream, size: number): OutputChunk | undefined {
  const descriptor = openSync(stream.file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const bytes = Buffer.allocUnsafeSlow(size) // a buffer of its own, so that it can be transferred to a thread
    const count = readSync(descriptor, bytes, 0, size, stream.position)
    if (count === 0) return undefined
    const chunk = { stream: stream.name, offset: stream.offset, bytes: bytes.subarray(0, count) }
    stream.position += count
    stream.offset += count
    return chunk
  } finally {
    closeSync(descriptor)
  }
}
