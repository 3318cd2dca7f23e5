import { describe, expect, test } from 'vitest'
import { toEnding } from '../../core/runner/ending.ts'

const facts = { stop: undefined, usage: undefined, durationMs: 5 }

describe('how a session ended', () => {
  test('is completed only when the agent says that it could do the task', () => {
    expect(toEnding({ kind: 'complete', success: true, summary: 'ok' }, facts)).toMatchObject({
      outcome: 'completed',
      message: { type: 'complete', success: true, summary: 'ok', durationMs: 5 },
    })
    expect(toEnding({ kind: 'complete', success: false, summary: 'I cannot' }, facts)).toMatchObject({
      outcome: 'failed',
      error: { code: 'AGENT_FAILED', message: 'I cannot' },
      message: { type: 'complete', success: false },
    })
  })

  test('carries a quota with the time when it is full again', () => {
    const end = {
      kind: 'error',
      code: 'AGENT_QUOTA',
      message: 'used up',
      resetsAt: '2030-01-01T00:00:00.000Z',
    } as const
    expect(toEnding(end, facts)).toMatchObject({
      outcome: 'failed',
      error: { code: 'AGENT_QUOTA' },
      message: { type: 'error', resetsAt: '2030-01-01T00:00:00.000Z' },
    })
  })

  test('is stopped, failed or lost by the reason of the stop, whatever the plugin returned', () => {
    const end = { kind: 'stopped' } as const
    const error = { code: 'AGENT_IDLE', message: 'silent' } as const
    expect(toEnding(end, { ...facts, stop: { kind: 'asked' } }).outcome).toBe('stopped')
    expect(toEnding(end, { ...facts, stop: { kind: 'bound', error } })).toMatchObject({ outcome: 'failed', error })
    expect(toEnding(end, { ...facts, stop: { kind: 'host' } })).toMatchObject({
      outcome: 'lost',
      error: { code: 'ABORTED' },
    })
  })

  test('keeps what the agent did not get, however it ended', () => {
    const unheard = ['and docs']
    const failed = { kind: 'error', code: 'AGENT_API', message: 'overloaded', unheard } as const
    expect(toEnding(failed, facts)).toMatchObject({ outcome: 'failed', unheard })
    expect(toEnding({ kind: 'complete', success: true, unheard }, facts)).toMatchObject({ unheard })
    const stop = { kind: 'asked' } as const
    expect(toEnding({ kind: 'stopped', unheard }, { ...facts, stop })).toMatchObject({ outcome: 'stopped', unheard })
  })

  test('is a failure of the plugin when it stops unasked', () => {
    expect(toEnding({ kind: 'stopped' }, facts)).toMatchObject({ outcome: 'failed', error: { code: 'PLUGIN_FAILED' } })
  })

  test('is lost when nobody knows how the agent ended, unless it was told to stop', () => {
    expect(toEnding({ kind: 'lost' }, facts)).toMatchObject({
      outcome: 'lost',
      error: { code: 'SESSION_LOST' },
      message: { type: 'error', retryable: true },
    })
    expect(toEnding({ kind: 'lost' }, { ...facts, stop: { kind: 'asked' } }).outcome).toBe('stopped')
  })

  test('keeps what the agent has said of its use when the end does not say', () => {
    const usage = { inputTokens: 1, outputTokens: 2 }
    expect(toEnding({ kind: 'complete', success: true }, { ...facts, usage }).usage).toEqual(usage)
  })
})
