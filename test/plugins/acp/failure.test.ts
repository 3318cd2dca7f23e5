/** What the words of an agent's error mean. Pure. */
import { describe, expect, it } from 'vitest'
import { toFailedTurn } from '../../../plugins/acp/failure.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const endOf = (message: string, code = -32603) =>
  toFailedTurn({ code, message }, { name: 'The agent', signIn: 'Sign in.' }, NOW)

describe('an error that ends a turn', () => {
  it.each([
    ['Suggested retry after 90s.', '2026-01-01T00:01:30.000Z'],
    ['Please retry in 0.5s.', '2026-01-01T00:00:00.500Z'],
    ['Your quota will reset after 3h25m10s.', '2026-01-01T03:25:10.000Z'],
    ['Try again in 6m0s.', '2026-01-01T00:06:00.000Z'],
    ['Try again in 350ms.', undefined],
    ['Try again later.', undefined],
    [`Please retry in ${'9'.repeat(400)}s.`, undefined],
  ])('says when a quota is full again, if the agent does: %s', (words, resetsAt) => {
    const end = endOf(words, 429)
    expect(end).toMatchObject({ code: 'AGENT_QUOTA', message: `The agent has no quota left: ${words}` })
    expect(end.resetsAt).toBe(resetsAt)
  })

  it('is told in the words of its service, when the agent passes on the whole answer', () => {
    const answer = JSON.stringify({ error: { code: 503, message: 'Overloaded.' } })
    const message = 'The service behind The agent failed: Overloaded. Try again in a while.'
    expect(endOf(answer)).toMatchObject({ code: 'AGENT_API', retryable: true, message })
  })

  it('that stays is not worth another try, whatever its status', () => {
    expect(endOf('Model x is not found.', 500)).toMatchObject({ code: 'AGENT_API', retryable: false })
  })
})
