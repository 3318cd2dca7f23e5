/** What is remembered of a conversation, without a program. */
import { describe, expect, it } from 'vitest'
import { type Remembered, beginning, fromCheckpoint, toCheckpoint } from '../../../plugins/claude-code/checkpoint.ts'
import { toLineId } from '../../../plugins/claude-code/line-id.ts'

const remembered: Remembered = {
  state: {
    ...beginning('claude-code', '/work').state,
    agentSessionId: 'conversation',
    openTools: new Map([['tool-1', 'Bash']]),
    usage: { inputTokens: 1, outputTokens: 2, costUsd: 0.1 },
    apiError: 'rate_limit',
  },
  phase: { kind: 'between', end: { kind: 'complete', success: true, summary: 'Done.' } },
  prompts: { reported: true, open: [['id', { followUp: 'More', stage: 'sent' }]], early: [['other', 'started']] },
  requests: [
    { kind: 'permission', requestId: 'r', toolName: 'Bash', input: { command: 'ls' }, suggestions: [] },
    { kind: 'unsupported', requestId: 'u', subtype: 'hook_callback' },
  ],
  heard: true,
  stderr: 'a warning',
  lastFollowUp: 'follow-up',
}

describe('a checkpoint', () => {
  it('gives back all that is remembered, through JSON; what is asked about is known to be restored', () => {
    const [permission, unsupported] = remembered.requests
    const requests = [{ ...permission, restored: true }, unsupported]
    const restored = fromCheckpoint(JSON.parse(JSON.stringify(toCheckpoint(remembered))))
    expect(restored).toEqual({ ...remembered, requests })
  })

  it('is small for a conversation that waits for nothing', () => {
    const { state, heard } = remembered
    const idle = { ...beginning('claude-code', '/work'), state, heard }
    expect(JSON.stringify(toCheckpoint(idle)).length).toBeLessThan(400)
  })

  it.each([null, 'text', {}, { version: 0 }])('of another version is refused: %j', (checkpoint) => {
    expect(fromCheckpoint(checkpoint)).toBeUndefined()
  })
})

describe('the id of a line', () => {
  it('is a UUID, the same for the same name', () => {
    expect(toLineId('session/prompt')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/)
    expect(toLineId('session/prompt')).toBe(toLineId('session/prompt'))
    expect(toLineId('session/prompt')).not.toBe(toLineId('other/prompt'))
  })

  it('is the name itself where that is a UUID', () => {
    expect(toLineId('0193c0de-0000-7000-8000-000000000001')).toBe('0193c0de-0000-7000-8000-000000000001')
  })
})
