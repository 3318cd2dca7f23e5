/**
 * How far a plugin has come in the output of its processes.
 *
 * Owns the offsets that are committed with the next batch, and the plugin's own checkpoint.
 *
 * P1 Output is passed once the plugin asks for what comes after it: by then, all that it made of it is emitted, or is in its
 *    checkpoint.
 */
import type { Progress } from './host-io.ts'

export interface Offsets {
  stdout: number
  stderr: number
}

export class ProgressTracker {
  readonly #offsets: Offsets[]
  /** JSON. */
  #checkpoint: string | undefined

  /** @param committed Where a session that is continued goes on. */
  constructor({ offsets, checkpoint }: Progress = { offsets: [] }) {
    this.#offsets = offsets.map((committed) => ({ ...committed }))
    this.#checkpoint = JSON.stringify(checkpoint)
  }

  /** Of process `number`; numbers come in order. Its reader moves them on. */
  open(number: number): Offsets {
    return (this.#offsets[number] ??= { stdout: 0, stderr: 0 })
  }

  /**
   * The state as it is now: it may change later.
   * @returns False when it is the same as before.
   * @throws TypeError when it is no JSON.
   */
  checkpoint(state: unknown): boolean {
    const before = this.#checkpoint
    this.#checkpoint = JSON.stringify(state)
    if (this.#checkpoint === undefined) throw new TypeError(`${typeof state} has no JSON`)
    return this.#checkpoint !== before
  }

  now(): Progress {
    const offsets = this.#offsets.map((passed) => ({ ...passed }))
    return this.#checkpoint === undefined ? { offsets } : { offsets, checkpoint: JSON.parse(this.#checkpoint) }
  }
}
