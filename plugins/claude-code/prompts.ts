/**
 * Owns what was said to Claude Code: the prompt and follow-ups, until it has taken them up.
 * A message sent in mid-turn is either taken into that turn (after a tool, before the model's next reply) or begins
 * another one, alone or joined with others. Claude Code reports which, by the message's id; so it is known after a
 * result whether a further turn comes. Versions that do not report leave it to the caller to wait for a turn.
 */
import type { Fate } from './state.ts'

interface Prompt {
  readonly content: string
  readonly followUp: boolean
  /** `missed`: Claude Code will not take it up. */
  readonly stage: 'sent' | 'started' | 'missed'
}

export class Prompts {
  readonly #open = new Map<string, Prompt>()
  #reported = false

  /** Whether this version of Claude Code reports what becomes of messages. */
  get reported(): boolean {
    return this.#reported
  }

  add(id: string, content: string, followUp: boolean): void {
    this.#open.set(id, { content, followUp, stage: 'sent' })
  }

  /** A follow-up that came too late to be sent. */
  miss(content: string): void {
    this.#open.set(crypto.randomUUID(), { content, followUp: true, stage: 'missed' })
  }

  note(id: string, fate: Fate): void {
    this.#reported = true
    const prompt = this.#open.get(id)
    if (!prompt) return
    // What is dropped after its turn began was heard.
    if (fate === 'completed' || (fate === 'dropped' && prompt.stage === 'started')) this.#open.delete(id)
    else if (fate === 'dropped') this.#open.set(id, { ...prompt, stage: 'missed' })
    else if (fate === 'started') this.#open.set(id, { ...prompt, stage: 'started' })
  }

  /** A turn has begun: without reports, with all that was sent before. */
  beginTurn(): void {
    if (this.#reported) return
    for (const [id, prompt] of this.#open) this.#open.set(id, { ...prompt, stage: 'started' })
  }

  /** A result settles what its turn had taken up. */
  settleTurn(): void {
    for (const [id, { stage }] of this.#open) if (stage === 'started') this.#open.delete(id)
  }

  /** Whether a message may still begin a turn. */
  get waiting(): boolean {
    return this.#open.values().some(({ stage }) => stage === 'sent')
  }

  /** The follow-ups that are known not to have been taken up, oldest first. */
  unheard(): string[] {
    return [...this.#open.values()]
      .filter(({ followUp, stage }) => followUp && (stage === 'missed' || (stage === 'sent' && this.#reported)))
      .map(({ content }) => content)
  }
}
