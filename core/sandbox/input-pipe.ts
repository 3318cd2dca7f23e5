/**
 * Writes to the FIFO that is the stdin of a program.
 *
 * - Texts are written whole and in the order of the calls; they never interleave.
 * - A text that could be written only in part breaks the pipe: later ones fail, for the program would read nonsense.
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { TroupeError } from '../base/errors.ts'
import { sleep } from '../base/waiting.ts'

const FIRST_RETRY_MS = 2
const LAST_RETRY_MS = 100

export interface InputPipeOptions {
  /** The program named in errors. */
  readonly program: string
  /** A program that reads nothing for so long gets TIMEOUT. */
  readonly stallMs: number
  /** Aborts when the program has ended. */
  readonly ended: AbortSignal
}

export class InputPipe {
  readonly #path: string
  readonly #options: InputPipeOptions
  #last: Promise<unknown> = Promise.resolve()
  #broken: unknown

  constructor(path: string, options: InputPipeOptions) {
    this.#path = path
    this.#options = options
  }

  /**
   * Settles when the pipe has taken all of the text, which is not yet the program having read it.
   * @throws TroupeError ABORTED when the program has ended, TIMEOUT when it does not read.
   */
  write(text: string): Promise<void> {
    const written = this.#last.then(() => this.#writeWhole(Buffer.from(text)))
    this.#last = written.catch(() => {})
    return written
  }

  async #writeWhole(bytes: Uint8Array): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken
    if (this.#options.ended.aborted) throw this.#toEnded()
    // Write-only, so that a pipe without a reader is an error; non-blocking, so that no thread of the pool hangs in it.
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
    try {
      await using pipe = await open(this.#path, flags)
      await this.#pour(pipe, bytes)
    } catch (error) {
      throw error instanceof TroupeError ? error : this.#toEnded(error)
    }
  }

  async #pour(pipe: FileHandle, bytes: Uint8Array): Promise<void> {
    let done = 0
    let waited = 0
    let delay = FIRST_RETRY_MS
    while (done < bytes.length) {
      const count = await writeSome(pipe, bytes.subarray(done))
      done += count
      waited = count > 0 ? 0 : waited + delay
      delay = count > 0 ? FIRST_RETRY_MS : Math.min(delay * 2, LAST_RETRY_MS)
      if (waited > this.#options.stallMs) throw this.#toStalled(done)
      if (done < bytes.length && count === 0) await this.#pause(delay)
    }
  }

  async #pause(ms: number): Promise<void> {
    await sleep(ms, this.#options.ended).catch((error: unknown) => {
      throw this.#toEnded(error)
    })
  }

  #toStalled(done: number): TroupeError {
    const { program, stallMs } = this.#options
    const error = new TroupeError('TIMEOUT', `${program} read nothing from its input for ${stallMs} ms. Stop it.`)
    if (done > 0) this.#broken = error
    return error
  }

  #toEnded(cause?: unknown): TroupeError {
    const text = `${this.#options.program} has ended and takes no more input. Start it again to go on.`
    return new TroupeError('ABORTED', text, undefined, cause)
  }
}

/** Zero when the pipe is full. */
async function writeSome(pipe: FileHandle, bytes: Uint8Array): Promise<number> {
  try {
    return (await pipe.write(bytes)).bytesWritten
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EAGAIN') return 0
    throw error
  }
}
