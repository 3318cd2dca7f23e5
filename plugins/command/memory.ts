/**
 * What is remembered of a session when it is continued.
 *
 * Owns the session's checkpoint: noted in one go with the messages that it speaks of, so that both are committed or neither.
 */
import type { OutputLine, SessionIo } from 'troupe/plugin'

const MOST_CHARACTERS = 500

interface Remembered {
  /** The last line of each stream that says something. */
  readonly stdout: string
  readonly stderr: string
  /** The exit of the command is in the log. */
  readonly exited: boolean
  /** The last follow-up that was refused in the log. */
  readonly refused: string
}

const NOTHING: Remembered = { stdout: '', stderr: '', exited: false, refused: '' }

export class Memory {
  readonly #io: Pick<SessionIo, 'checkpoint'>
  /** The session goes on from a checkpoint. */
  readonly continued: boolean
  #now: Remembered

  constructor(io: Pick<SessionIo, 'checkpoint'>, checkpoint: unknown) {
    this.#io = io
    this.continued = checkpoint !== undefined
    this.#now = typeof checkpoint === 'object' ? { ...NOTHING, ...checkpoint } : NOTHING
  }

  get now(): Remembered {
    return this.#now
  }

  note(change: Partial<Remembered>): void {
    this.#now = { ...this.#now, ...change }
    this.#io.checkpoint({ ...this.#now })
  }

  hear(lines: readonly OutputLine[]): void {
    const last = lines.findLast(({ text }) => text.trim())
    if (last) this.note({ [last.stream]: last.text.slice(0, MOST_CHARACTERS) })
  }
}
