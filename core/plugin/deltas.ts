/**
 * Live fragments on their way out of the plugin's thread.
 *
 * Owns the fragments that are not sent yet. One is under way at a time; what comes meanwhile is joined to it, and what is
 * too much is dropped: a fragment is superseded by the whole text anyway.
 */
type DeltaType = 'text' | 'thinking'

const KEPT_CHARACTERS = 64 * 1024

export class Deltas {
  readonly #send: (fragment: { type: DeltaType; content: string }) => Promise<void>
  readonly #waiting = new Map<DeltaType, string>()
  #busy = false

  constructor(send: (fragment: { type: DeltaType; content: string }) => Promise<void>) {
    this.#send = send
  }

  add(type: DeltaType, content: string): void {
    const joined = (this.#waiting.get(type) ?? '') + content
    if (joined.length <= KEPT_CHARACTERS) this.#waiting.set(type, joined)
    if (!this.#busy) void this.#drain()
  }

  /** The whole text was emitted, so its fragments are of no use any more. */
  supersede(type: string): void {
    if (type === 'text' || type === 'thinking') this.#waiting.delete(type)
  }

  async #drain(): Promise<void> {
    this.#busy = true
    try {
      await new Promise((resolve) => setImmediate(resolve))
      for (const [type, content] of this.#waiting) {
        this.#waiting.delete(type)
        await this.#send({ type, content })
      }
    } catch {
      this.#waiting.clear()
    } finally {
      this.#busy = false
    }
  }
}
