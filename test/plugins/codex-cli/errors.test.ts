/** What Codex names as the reason of a failure, as an end of the session. */
import { describe, expect, it } from 'vitest'
import { toErrorEnd } from '../../../plugins/codex-cli/errors.ts'
import type { Json } from 'troupe/plugin'

const endOf = (codexErrorInfo: Json, message = 'Why.') => toErrorEnd({ message, codexErrorInfo }, undefined)
const status = (httpStatusCode: number | null) => ({ httpConnectionFailed: { httpStatusCode } })

describe('a turn that failed', () => {
  it.each([
    ['a rate limit', { responseTooManyFailedAttempts: { httpStatusCode: 429 } }, 'AGENT_QUOTA', true],
    ['a limit with no end', 'usageLimitExceeded', 'AGENT_QUOTA', false],
    ['a service out of order', status(503), 'AGENT_API', true],
    ['no connection', status(null), 'AGENT_API', true],
    ['a busy service', 'serverOverloaded', 'AGENT_API', true],
    ['a request that is refused', status(404), 'AGENT_API', false],
    ['what is new', 'hologramFailed', 'AGENT_API', false],
    ['something that is no name', 7, 'AGENT_API', false],
  ] as const)('because of %s', (_, info, code, retryable) => {
    expect(endOf(info)).toMatchObject({ code, retryable, message: expect.stringContaining('Why.') })
  })

  it('because of a wrong key, or none, is not signed in', () => {
    expect(endOf(status(401))).toMatchObject({ code: 'AGENT_NOT_SIGNED_IN' })
    expect(endOf('other', 'Missing environment variable: `CODEX_API_KEY`.').code).toBe('AGENT_NOT_SIGNED_IN')
  })

  it('because there was too much to read is the failure of the agent', () => {
    expect(endOf('contextWindowExceeded')).toMatchObject({ code: 'AGENT_FAILED' })
  })

  it('because a stream was cut can be tried again', () => {
    expect(endOf('other', 'stream disconnected before completion')).toMatchObject({ retryable: true })
  })

  it('has the words of the service without their wrapping', () => {
    expect(endOf('other', '{"error":{"message":"Too odd."}}').message).toBe('The model service failed: Too odd.')
  })
})
