/**
 * Owns what was said to Claude Code: the prompt and follow-ups, until it has taken them up.
 * A message sent in mid-turn is either taken into that turn (after a tool, before the model's next reply) or begins
 * another one, alone or joined with others. Claude Code reports which, by the message's id; so it is known after a
 * result whether a further turn comes. Versions that do not report leave it to the caller to wait for a turn.
 */
import type { Fate } from './state.ts'

interface Prompt {
  /** Undefined for the prompt of the task. */
  readonly followUp?: string
  /** `missed`: Claude Code will not take it up. */
  readonly stage: 'sent' | 'started' | 'missed'
}

/** Plain data, for a checkpoint. */
export interface SavedPrompts {
  readonly reported: boolean
  readonly open: readonly (readonly [string, Prompt])[]
  readonly early: readonly (readonly [string, Fate])[]
}

const MOST_EARLY = 8

export class Prompts {
  readonly #open: Map<string, Prompt>
  /** The last fates of unknown ids. In a continued session, what was written before may be heard of before it comes again. */
  readonly #early: Map<string, Fate>
  #reported: boolean

  constructor({ reported, open, early }: SavedPrompts = { reported: false, open: [], early: [] }) {
    this.#reported = reported
    this.#open = new Map(open)
    this.#early = new Map(early)
  }

  /** Whether this version of Claude Code reports what becomes of messages. */
  get reported(): boolean {
    return this.#reported
  }

  save(): SavedPrompts {
    return { reported: this.#reported, open: [...this.#open], early: [...this.#early] }
  }

  /** @param followUp Undefined for the prompt of the task. */
  add(id: string, followUp?: string): void {
    this.#open.set(id, { ...(followUp !== undefined && { followUp }), stage: 'sent' })
    const fate = this.#early.get(id)
    if (fate === undefined) return
    this.#early.delete(id)
    this.note(id, fate)
  }

  note(id: string, fate: Fate): void {
    this.#reported = true
    const prompt = this.#open.get(id)
    if (!prompt) return this.#noteEarly(id, fate)
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
    for (const [id, fate] of this.#early) if (fate === 'started') this.#early.set(id, 'completed')
  }

  /** Whether a message may still begin a turn. */
  get waiting(): boolean {
    return this.#open.values().some(({ stage }) => stage === 'sent')
  }

  /** What Claude Code has not begun yet: perhaps it never arrived. Oldest first. */
  sent(): { readonly id: string; readonly followUp: string | undefined }[] {
    return [...this.#open].flatMap(([id, { followUp, stage }]) => (stage === 'sent' ? [{ id, followUp }] : []))
  }

  /** The follow-ups that are known not to have been taken up, oldest first. */
  unheard(): string[] {
    return this.#open
      .values()
      .filter(({ stage }) => stage === 'missed' || (stage === 'sent' && this.#reported))
      .flatMap(({ followUp }) => (followUp === undefined ? [] : [followUp]))
      .toArray()
  }

  #noteEarly(id: string, fate: Fate): void {
    // What is dropped after its turn began was heard.
    this.#early.set(id, fate === 'dropped' && this.#early.get(id) === 'started' ? 'completed' : fate)
    const oldest = this.#early.keys().next().value
    if (oldest !== undefined && this.#early.size > MOST_EARLY) this.#early.delete(oldest)
  }
}
