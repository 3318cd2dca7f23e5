/**
 * How far a plugin has come in the output of its processes.
 *
 * Owns the offsets that are committed with the next batch, and the plugin's own checkpoint.
 *
 * P1 An offset passes a line only when the plugin has asked for the next one, and has emitted something since it got
 *    that line or an earlier silent one. So a plugin that gathers lines before it emits them loses none in a crash.
 * P2 Lines that led to no message are passed with the next message.
 */
import type { Progress } from './host-io.ts'

type Stream = 'stdout' | 'stderr'
type Offsets = { stdout: number; stderr: number }

/** One process: one line at a time is in the hands of the plugin. */
export class Cursor {
  /** Ends of the lines that the plugin is done with. */
  readonly #read: Offsets = { stdout: 0, stderr: 0 }
  readonly #committable: Offsets = { stdout: 0, stderr: 0 }
  #inHand: { emitted: boolean } | undefined

  get offsets(): Readonly<Offsets> {
    return this.#committable
  }

  /** The stream is read from here on: a process that was found running again does not begin at 0. */
  begin(stream: Stream, offset: number): void {
    this.#read[stream] = offset
    this.#committable[stream] = offset
  }

  handOut(): void {
    this.#inHand = { emitted: false }
  }

  /** The plugin asked for the next line. */
  takeBack(stream: Stream, end: number): void {
    this.#read[stream] = end
    if (this.#inHand?.emitted) this.#commit()
    this.#inHand = undefined
  }

  /** The host itself logged the output up to here. */
  skip(stream: Stream, end: number): void {
    this.#read[stream] = end
    this.#commit()
  }

  /** A message was emitted, so all that was read before has led to something. */
  emitted(): void {
    if (this.#inHand) this.#inHand.emitted = true
    else this.#commit()
  }

  #commit(): void {
    Object.assign(this.#committable, this.#read)
  }
}

export class ProgressTracker {
  readonly #cursors: Cursor[] = []
  #checkpoint: unknown

  /** For process `number`; numbers come in order. */
  open(number: number): Cursor {
    return (this.#cursors[number] = new Cursor())
  }

  emitted(): void {
    for (const cursor of this.#cursors) cursor.emitted()
  }

  checkpoint(state: unknown): void {
    this.#checkpoint = state
    this.emitted()
  }

  now(): Progress {
    const offsets = this.#cursors.map((cursor) => ({ ...cursor.offsets }))
    return this.#checkpoint === undefined ? { offsets } : { offsets, checkpoint: this.#checkpoint }
  }
}
