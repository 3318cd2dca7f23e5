/**
 * Owns what was said to Codex: the prompt, follow-ups and answers, until each is part of the conversation.
 * S1 A saying is accepted for a turn, and heard in it; one that its turn did not hear is to be said again.
 * S2 What was written before a crash may be heard of before it is handed over again: its stage is kept until then.
 */
import type { PermissionMode } from 'troupe/plugin'

export interface Saying {
  /** Undefined for the prompt of the task. */
  readonly text?: string
  /** Handed back when it is missed. */
  readonly followUp: boolean
  /** Codex works in this mode from then on. */
  readonly mode?: PermissionMode
}

export type Said = Saying & { readonly id: string }

type Stage =
  /** Written, or to be written. */
  | { readonly kind: 'sent' }
  | { readonly kind: 'accepted'; readonly turnId: string }
  | { readonly kind: 'heard' }
  | { readonly kind: 'missed' }

/** `saying` is not known yet when it was written before a crash that it was not remembered in. */
interface Entry {
  readonly saying?: Saying
  readonly stage: Stage
}

/** Plain data, for a checkpoint. */
export type SavedSayings = readonly (readonly [string, Entry])[]

const MOST_UNKNOWN = 8

export class Sayings {
  readonly #entries: Map<string, Entry>

  constructor(saved: SavedSayings = []) {
    this.#entries = new Map(saved)
  }

  save(): SavedSayings {
    return [...this.#entries]
  }

  /** @returns False when Codex has it already. */
  add({ id, ...saying }: Said): boolean {
    const stage = this.#entries.get(id)?.stage ?? { kind: 'sent' as const }
    this.#put(id, { saying, stage })
    return stage.kind === 'sent'
  }

  /** @param turnId Undefined when Codex refuses it. */
  accept(id: string, turnId: string | undefined): void {
    const entry = this.#entries.get(id)
    if (entry && entry.stage.kind !== 'sent') return
    this.#put(id, { ...entry, stage: turnId === undefined ? { kind: 'missed' } : { kind: 'accepted', turnId } })
  }

  hear(id: string): void {
    this.#put(id, { ...this.#entries.get(id), stage: { kind: 'heard' } })
  }

  /** S1 @returns What is to be said again. */
  endTurn(ended: string): Said[] {
    const unheard = [...this.#entries].filter(([, { stage }]) => stage.kind === 'accepted' && stage.turnId === ended)
    return unheard.flatMap(([id, { saying }]) => {
      if (saying) this.#put(id, { saying, stage: { kind: 'sent' } })
      else this.#entries.delete(id)
      return saying ? [{ id, ...saying }] : []
    })
  }

  /** Whether one may still begin a turn. */
  get waiting(): boolean {
    return this.#entries
      .values()
      .some(({ saying, stage }) => saying && (stage.kind === 'sent' || stage.kind === 'accepted'))
  }

  /** What Codex has not accepted yet: perhaps it never arrived. Oldest first. */
  sent(): Said[] {
    return [...this.#entries].flatMap(([id, { saying, stage }]) =>
      saying && stage.kind === 'sent' ? [{ id, ...saying }] : [],
    )
  }

  /** The follow-ups that are not part of the conversation, oldest first. */
  unheard(): string[] {
    return [...this.#entries.values()].flatMap(({ saying, stage }) =>
      saying?.followUp && saying.text !== undefined && stage.kind !== 'heard' ? [saying.text] : [],
    )
  }

  #put(id: string, entry: Entry): void {
    if (entry.saying && entry.stage.kind === 'heard') return void this.#entries.delete(id)
    this.#entries.set(id, entry)
    const unknown = [...this.#entries].filter(([, { saying }]) => !saying)
    for (const [oldest] of unknown.slice(0, -MOST_UNKNOWN)) this.#entries.delete(oldest) // S2
  }
}
