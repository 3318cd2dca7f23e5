/** What an attempt cost and took, summed over its sessions. Pure. */
import type { Usage } from '../contract/messages.ts'
import type { AgentSession, Question } from '../contract/records.ts'

/** Undefined when no session has told its usage; a sum of costs that leaves one out would be a wrong sum. */
export function totalUsage(sessions: readonly AgentSession[]): Usage | undefined {
  const all = sessions.flatMap(({ usage }) => usage ?? [])
  if (all.length === 0) return undefined
  const cached = all.flatMap(({ cacheReadTokens }) => cacheReadTokens ?? [])
  const costs = all.flatMap(({ costUsd }) => costUsd ?? [])
  return {
    inputTokens: sum(all.map(({ inputTokens }) => inputTokens)),
    outputTokens: sum(all.map(({ outputTokens }) => outputTokens)),
    ...(cached.length > 0 && { cacheReadTokens: sum(cached) }),
    ...(costs.length === all.length && { costUsd: sum(costs) }),
  }
}

/** An interval of time, milliseconds since 1970. */
type Span = readonly [from: number, to: number]

/**
 * How long the agent worked, milliseconds; what it waited for people does not count.
 * @param now milliseconds since 1970; what has not ended yet counts until then
 */
export function workingMs(sessions: readonly AgentSession[], questions: readonly Question[], now: number): number {
  return sum(
    sessions.map(({ id, startedAt, endedAt }) => {
      if (startedAt === undefined) return 0
      const session: Span = [Date.parse(startedAt), endedAt === undefined ? now : Date.parse(endedAt)]
      const asked = questions.filter(({ sessionId }) => sessionId === id).map((question) => waitOf(question, now))
      return Math.max(0, session[1] - session[0] - covered(asked, session))
    }),
  )
}

const waitOf = ({ status, createdAt, updatedAt, answeredAt }: Question, now: number): Span => [
  Date.parse(createdAt),
  status === 'pending' ? now : Date.parse(answeredAt ?? updatedAt),
]

/** How much of `whole` the spans cover; questions that were open at the same time count once. */
function covered(spans: readonly Span[], [begin, end]: Span): number {
  let upTo = begin
  let total = 0
  for (const [from, to] of spans.toSorted((a, b) => a[0] - b[0])) {
    const [start, stop] = [Math.max(from, upTo), Math.min(to, end)]
    if (stop <= start) continue
    total += stop - start
    upTo = stop
  }
  return total
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
