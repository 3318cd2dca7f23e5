/**
 * Joins lines that arrive together into one message.
 *
 * Owns the lines that are not emitted yet, all of one stream, at most `MOST_CHARACTERS`.
 */
import type { AgentMessage, OutputLine } from 'troupe/plugin'
import { toMessage } from './parse.ts'

/** Well below the size at which Troupe keeps a message's body aside. */
const MOST_CHARACTERS = 16 * 1024

export class Paragraph {
  readonly #emit: (message: AgentMessage) => Promise<void>
  #stream: OutputLine['stream'] = 'stdout'
  #lines: string[] = []
  #characters = 0
  #scheduled = false

  constructor(emit: (message: AgentMessage) => Promise<void>) {
    this.#emit = emit
  }

  /** Settles when there is room for more. The line is emitted when no other is at hand. */
  async add({ stream, text }: OutputLine): Promise<void> {
    if (stream !== this.#stream || this.#characters + text.length > MOST_CHARACTERS) await this.end()
    this.#stream = stream
    this.#lines.push(text)
    this.#characters += text.length + 1
    this.#schedule()
  }

  /** Emits what there is. */
  async end(): Promise<void> {
    if (this.#lines.length === 0) return
    const message = toMessage(this.#stream, this.#lines.join('\n'))
    this.#lines = []
    this.#characters = 0
    await this.#emit(message)
  }

  /** Lines at hand are handed out without a pause; a turn of the event loop is the end of them. */
  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      void this.end()
    })
  }
}
