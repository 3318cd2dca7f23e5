/** A subscriber that keeps what it is given, and checks the promises of the log as it goes. */
import { expect, vi } from 'vitest'
import { TroupeError } from '../../core/base/errors.ts'
import type { Delta } from '../../core/contract/messages.ts'
import type { LogBatch, LogDraft, LogEntry, LogSubscriber } from '../../core/log/types.ts'

export type End = Parameters<LogSubscriber['ended']>[0]

export interface Collector extends LogSubscriber {
  readonly seqs: number[]
  readonly texts: string[]
  /** Messages and fragments as they came: `7` or `~fragment`. */
  readonly events: string[]
  readonly ends: End[]
  /** Settles when it has been given this message. */
  reached(seq: number): Promise<void>
  /** Settles when it was told of the end. */
  over(): Promise<End>
}

const BOUND = { timeout: 60_000, interval: 2 }

export function collect(after = 0, pause?: () => Promise<void>): Collector {
  const collector = { seqs: [] as number[], texts: [] as string[], events: [] as string[], ends: [] as End[] }
  let outstanding = 0
  return {
    ...collector,
    async entries(entries: readonly LogEntry[]) {
      outstanding += 1
      expect(outstanding).toBe(1)
      expect(collector.ends).toEqual([])
      for (const { seq, json } of entries) {
        expect(seq).toBe((collector.seqs.at(-1) ?? after) + 1)
        const message: { seq: number; content?: string } = JSON.parse(json)
        expect(message.seq).toBe(seq)
        collector.seqs.push(seq)
        collector.texts.push(message.content ?? '')
        collector.events.push(`${seq}`)
      }
      await pause?.()
      outstanding -= 1
    },
    delta: (delta: Delta) => void collector.events.push(`~${delta.content}`),
    ended: (end: End) => void collector.ends.push(end),
    reached: (seq) => vi.waitFor(() => expect(collector.seqs.at(-1) ?? after).toBeGreaterThanOrEqual(seq), BOUND),
    over: () => vi.waitFor(() => collector.ends[0] ?? expect.fail('it has not ended'), BOUND),
  }
}

export const text = (content: string): LogDraft => ({ type: 'text', json: JSON.stringify({ type: 'text', content }) })

/** Messages `first` to `last`, each saying its number. */
export const batch = (sessionId: string, first: number, last: number): LogBatch => ({
  sessionId,
  firstSeq: first,
  at: Date.now(),
  drafts: Array.from({ length: last - first + 1 }, (_, index) => text(`${first + index}`)),
})

export const numbers = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index)

export const codeOf = (error: unknown): string => (error instanceof TroupeError ? error.code : String(error))
