/** Tokens, as Codex counts them. Pure. */
import { type JsonObject, type Usage, asNumber, asObject, asString } from 'troupe/plugin'

interface Tokens {
  readonly input: number
  readonly cached: number
  readonly output: number
}

/**
 * By conversation, subagents' included: the sum that Codex gives, and what of it is from earlier sessions. Codex counts a
 * conversation from its very beginning, and tells the old sum when it is resumed, under the turn that it is from.
 */
export type Counts = { readonly [threadId: string]: { readonly total: Tokens; readonly before: Tokens } }

const NONE: Tokens = { input: 0, cached: 0, output: 0 }

/** @param past The line tells of an earlier session. */
export function count(counts: Counts, params: JsonObject, past: boolean): Counts {
  const threadId = asString(params['threadId']) ?? ''
  const total = toTokens(asObject(asObject(params['tokenUsage'])?.['total']) ?? {})
  const before = past ? total : (counts[threadId]?.before ?? NONE)
  return { ...counts, [threadId]: { total, before } }
}

const toTokens = (from: JsonObject): Tokens => ({
  input: asNumber(from['inputTokens']) ?? 0,
  cached: asNumber(from['cachedInputTokens']) ?? 0,
  output: asNumber(from['outputTokens']) ?? 0,
})

export function toUsage(counts: Counts): Usage {
  const sum = (key: keyof Tokens) =>
    Object.values(counts).reduce((all, { total, before }) => all + Math.max(0, total[key] - before[key]), 0)
  return {
    // Codex counts what it read from the cache as input too.
    inputTokens: Math.max(0, sum('input') - sum('cached')),
    outputTokens: sum('output'),
    cacheReadTokens: sum('cached'),
  }
}
