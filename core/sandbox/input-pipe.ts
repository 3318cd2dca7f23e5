/**
 * Writes to the FIFO that is the stdin of a program.
 *
 * - Texts are written whole and in the order of the calls; they never interleave.
 * - A text that could be written only in part breaks the pipe: later ones fail, for the program would read nonsense. A
 *   file beside the pipe says so while a text is under way, for a later host too. A short text needs none: the system
 *   takes it whole or not at all.
 *
 * The calls are synchronous: none of them waits, and an agent that was answered would wait for three turns of the thread pool.
 */
import { closeSync, constants, existsSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { TroupeError } from '../base/errors.ts'
import { sleep } from '../base/waiting.ts'
import { isShortage } from './shortage.ts'

const FIRST_RETRY_MS = 2
const LAST_RETRY_MS = 100
/** What the system takes whole: PIPE_BUF, of which POSIX promises 512. */
const ATOMIC_BYTES = process.platform === 'linux' ? 4096 : 512

export interface InputPipeOptions {
  /** The FIFO. */
  readonly path: string
  /** Exists while a text may have been written in part. */
  readonly partPath: string
  /** The program named in errors. */
  readonly program: string
  /** A program that reads nothing for so long gets TIMEOUT. */
  readonly stallMs: number
  readonly hasEnded: () => boolean
}

export class InputPipe {
  readonly #options: InputPipeOptions
  #last: Promise<unknown> = Promise.resolve()

  constructor(options: InputPipeOptions) {
    this.#options = options
  }

  /**
   * Settles when the pipe has taken all of the text, which is not yet the program having read it.
   * @throws TroupeError ABORTED when the program has ended or has got an earlier text only in part, TIMEOUT when it does
   *   not read, DATA_DIR_UNUSABLE when its folder cannot be written.
   */
  write(text: string): Promise<void> {
    const written = this.#last.then(() => this.#writeWhole(Buffer.from(text)))
    this.#last = written.catch(() => {})
    return written
  }

  async #writeWhole(bytes: Uint8Array): Promise<void> {
    const { partPath, program } = this.#options
    if (existsSync(partPath)) throw toAborted(`${program} got an input only in part and can take no more.`)
    const pipe = await this.#open()
    using _closing = { [Symbol.dispose]: () => closeSync(pipe) }
    const isShort = bytes.length <= ATOMIC_BYTES
    if (!isShort) inFolder(() => writeFileSync(partPath, '', { mode: 0o600 }))
    const { done, error } = await this.#pour(pipe, bytes)
    if (!isShort && (done === 0 || done === bytes.length)) inFolder(() => rmSync(partPath, { force: true }))
    if (error) throw error
  }

  async #open(): Promise<number> {
    // Write-only, so that a pipe without a reader is an error; non-blocking, so that the thread does not hang in it.
    const flags = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW
    const { path, hasEnded, stallMs } = this.#options
    for (let waited = 0; !hasEnded() && waited <= stallMs; waited += LAST_RETRY_MS) {
      try {
        return openSync(path, flags)
      } catch (error) {
        if (!isShortage(error)) throw this.#toEnded(error)
      }
      await sleep(LAST_RETRY_MS)
    }
    throw hasEnded() ? this.#toEnded() : this.#toStalled()
  }

  /** How much the pipe took, and why not all. */
  async #pour(pipe: number, bytes: Uint8Array): Promise<{ done: number; error?: TroupeError }> {
    let done = 0
    let waited = 0
    for (let delay = FIRST_RETRY_MS; done < bytes.length;) {
      if (this.#options.hasEnded()) return { done, error: this.#toEnded() }
      if (waited > this.#options.stallMs) return { done, error: this.#toStalled() }
      const count = this.#writeSome(pipe, bytes.subarray(done))
      if (count instanceof TroupeError) return { done, error: count }
      done += count
      if (count === 0) await sleep(delay)
      waited = count > 0 ? 0 : waited + delay
      delay = count > 0 ? FIRST_RETRY_MS : Math.min(delay * 2, LAST_RETRY_MS)
    }
    return { done }
  }

  /** Zero when the pipe is full. */
  #writeSome(pipe: number, bytes: Uint8Array): number | TroupeError {
    try {
      return writeSync(pipe, bytes)
    } catch (error) {
      return isFull(error) ? 0 : this.#toEnded(error)
    }
  }

  #toStalled(): TroupeError {
    const { program, stallMs } = this.#options
    return new TroupeError('TIMEOUT', `${program} could be given no input for ${stallMs} ms. Stop it.`)
  }

  #toEnded(cause?: unknown): TroupeError {
    return toAborted(`${this.#options.program} has ended and takes no more input.`, cause)
  }
}

const toAborted = (text: string, cause?: unknown): TroupeError =>
  new TroupeError('ABORTED', `${text} Start it again to go on.`, undefined, cause)

const isFull = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'EAGAIN'

function inFolder(work: () => void): void {
  try {
    work()
  } catch (error) {
    const text = `The input of a program cannot be written safely: ${String(error)}. Free the disk and try again.`
    throw new TroupeError('DATA_DIR_UNUSABLE', text, undefined, error)
  }
}
