/**
 * Owns what was said to OpenCode, until it is part of the conversation.
 * S1 The server takes what is said in the order in which it was written, so each message of the user that appears is the oldest
 *    that had not.
 */
import type { PermissionMode } from 'troupe/plugin'

export interface Said {
  /** Stable; one id is said once (see bridge.ts). */
  readonly id: string
  /** Undefined for the prompt of the task. */
  readonly text?: string
  /** A person's word in mid-session. */
  readonly followUp: boolean
  /** OpenCode works in this mode from then on. */
  readonly mode: PermissionMode
}

export class Sayings {
  #open: readonly Said[]

  constructor(open: readonly Said[]) {
    this.#open = open
  }

  add(said: Said): void {
    this.#open = [...this.#open, said]
  }

  /** S1 */
  hear(): void {
    this.#open = this.#open.slice(1)
  }

  /** Not part of the conversation yet: perhaps they never arrived. Oldest first. Plain data, for a checkpoint. */
  get open(): readonly Said[] {
    return this.#open
  }

  /** The follow-ups that are not part of the conversation, oldest first. */
  unheard(): string[] {
    return this.#open.flatMap(({ text, followUp }) => (followUp && text !== undefined ? [text] : []))
  }
}
