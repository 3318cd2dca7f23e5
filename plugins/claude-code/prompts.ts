/**
 * Owns what was said to Claude Code and not yet taken up by it.
 * A message sent in mid-turn is either taken into that turn (after a tool, before the model's next reply) or begins
 * another one, alone or joined with others. Claude Code reports which, by the message's id; so it is known after a
 * result whether a further turn comes. Versions that do not report leave it to the caller to wait for a turn.
 */
import type { Fate } from './state.ts'

interface Prompt {
  readonly content: string
  readonly started: boolean
}

export class Prompts {
  readonly #open = new Map<string, Prompt>()
  #reported = false

  /** Whether this version of Claude Code reports what becomes of messages. */
  get reported(): boolean {
    return this.#reported
  }

  add(id: string, content: string): void {
    this.#open.set(id, { content, started: false })
  }

  /** @returns The text of a message that Claude Code will not take up. */
  note(id: string, fate: Fate): string | undefined {
    this.#reported = true
    const prompt = this.#open.get(id)
    if (!prompt) return undefined
    if (fate === 'completed' || fate === 'dropped') this.#open.delete(id)
    else this.#open.set(id, { ...prompt, started: fate === 'started' })
    return fate === 'dropped' ? prompt.content : undefined
  }

  /** A turn has begun: without reports, with all that was sent before. */
  beginTurn(): void {
    if (this.#reported) return
    for (const [id, prompt] of this.#open) this.#open.set(id, { ...prompt, started: true })
  }

  /** A result settles what its turn had taken up. @returns Whether nothing is left, so that no further turn comes. */
  settleTurn(): boolean {
    for (const [id, { started }] of this.#open) if (started) this.#open.delete(id)
    return this.#open.size === 0
  }

  /** The texts that are known not to have been taken up, oldest first. */
  left(): string[] {
    if (!this.#reported) return []
    return [...this.#open.values()].filter(({ started }) => !started).map(({ content }) => content)
  }
}
