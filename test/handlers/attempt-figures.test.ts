import { describe, expect, test } from 'vitest'
import type { AgentSession, Question } from '../../core/contract/records.ts'
import { totalUsage, workingMs } from '../../core/handlers/attempt-figures.ts'

const at = (second: number) => new Date(1_800_000_000_000 + second * 1000).toISOString()
const NOW = Date.parse(at(100))

const session = (fields: Partial<AgentSession>): AgentSession => ({
  id: 's',
  createdAt: at(0),
  updatedAt: at(0),
  unitTaskId: 't',
  agentTaskId: 'a',
  workerId: 'w',
  agent: 'command',
  permissionMode: 'full',
  sandbox: 'process',
  status: 'completed',
  lastSeq: 1,
  ...fields,
})

const question = (fields: Partial<Question>): Question => ({
  id: 'q',
  createdAt: at(0),
  updatedAt: at(0),
  sessionId: 's',
  unitTaskId: 't',
  kind: 'question',
  prompt: 'Which?',
  status: 'answered',
  ...fields,
})

describe('the usage of an attempt', () => {
  test('is the sum of its sessions', () => {
    const sessions = [
      session({ usage: { inputTokens: 1, outputTokens: 2, cacheReadTokens: 4, costUsd: 0.5 } }),
      session({ usage: { inputTokens: 10, outputTokens: 20, costUsd: 0.25 } }),
      session({}),
    ]
    expect(totalUsage(sessions)).toEqual({ inputTokens: 11, outputTokens: 22, cacheReadTokens: 4, costUsd: 0.75 })
  })

  test('has no cost when one session does not tell its own, and is absent when none tells anything', () => {
    const [known, unknown] = [
      { inputTokens: 1, outputTokens: 2, costUsd: 0.5 },
      { inputTokens: 1, outputTokens: 2 },
    ]
    expect(totalUsage([session({ usage: known }), session({ usage: unknown })])).toEqual({
      inputTokens: 2,
      outputTokens: 4,
    })
    expect(totalUsage([session({})])).toBeUndefined()
  })
})

describe('the time of an attempt', () => {
  test('is that of its sessions, the one at work until now, and nothing before they begin', () => {
    const sessions = [
      session({ startedAt: at(0), endedAt: at(10) }),
      session({ startedAt: at(95) }),
      session({ status: 'assigned' }),
    ]
    expect(workingMs(sessions, [], NOW)).toBe(15_000)
  })

  test('leaves out what was waited for answers, once where several questions were open', () => {
    const sessions = [
      session({ startedAt: at(0), endedAt: at(60) }),
      session({ id: 'other', startedAt: at(70), endedAt: at(80) }),
    ]
    const questions = [
      question({ createdAt: at(10), answeredAt: at(20) }),
      question({ createdAt: at(15), answeredAt: at(30) }),
      question({ createdAt: at(50), status: 'withdrawn', updatedAt: at(65) }),
    ]
    expect(workingMs(sessions, questions, NOW)).toBe(40_000)
    const pending = question({ createdAt: at(10), status: 'pending', updatedAt: at(10) })
    expect(workingMs([session({ startedAt: at(0) })], [pending], NOW)).toBe(10_000)
  })
})
