/** What goes wrong between Gemini CLI, its service and this machine ends in an error that says what to do. */
import { expect, it } from 'vitest'
import type { Turn } from '../../../fixtures/model-server/script.ts'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import type { GeminiOptions } from './gemini.ts'
import { ofType, startGemini } from './gemini.ts'

const describeWithGemini = await requires('Gemini CLI', agentProbe('gemini-cli'))

async function endOf(turn: Turn, options: GeminiOptions = {}) {
  await using gemini = await startGemini({ script: [{ ...turn, times: 'always' }], ...options })
  const end = await gemini.end
  expect(ofType(gemini, 'text')).toEqual([])
  return end
}

/** As Google words it, with how long to wait. */
const quota = (retryDelay: string) => ({
  error: {
    code: 429,
    message: 'You exceeded your current quota.',
    status: 'RESOURCE_EXHAUSTED',
    details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay }],
  },
})

describeWithGemini('the account', () => {
  it('with a used-up quota says when it is full again', shows('gemini-cli', 'quota'), async () => {
    const before = Date.now()
    const end = await endOf({ status: 429, body: quota('3600s') })
    expect(end).toMatchObject({ code: 'AGENT_QUOTA', retryable: true, message: expect.stringContaining('3600s') })
    const resetsAt = end.kind === 'error' ? Date.parse(end.resetsAt ?? '') : 0
    expect(resetsAt).toBeGreaterThanOrEqual(before + 3_600_000)
    expect(resetsAt).toBeLessThanOrEqual(Date.now() + 3_600_000)
  })

  it('with a rate limit of unknown length is a quota error too', async () => {
    const end = await endOf({ status: 429, body: 'Slow down.' })
    expect(end).toMatchObject({ code: 'AGENT_QUOTA', message: expect.stringContaining('Slow down.') })
    expect(end).not.toHaveProperty('resetsAt')
  })

  it('with a wrong key is not signed in', async () => {
    const end = await endOf({ status: 400, body: 'API key not valid. Please pass a valid API key.' })
    expect(end).toMatchObject({
      code: 'AGENT_NOT_SIGNED_IN',
      message: expect.stringContaining('in the environment of Troupe'),
    })
  })

  it('without any credential is not signed in', async () => {
    const end = await endOf({ reply: [] }, { env: { GEMINI_API_KEY: '' } })
    expect(end).toMatchObject({ code: 'AGENT_NOT_SIGNED_IN' })
  })
})

describeWithGemini('an error of the model service', () => {
  it('that may pass is worth another try', async () => {
    const end = await endOf({ status: 500, body: 'Broken.' })
    const message = 'The service behind Gemini CLI failed: Broken. Try again in a while.'
    expect(end).toMatchObject({ code: 'AGENT_API', retryable: true, message })
    expect(await endOf({ drop: 'before' })).toMatchObject({ code: 'AGENT_API', retryable: true })
  })

  it('that stays names what was refused', async () => {
    const message = expect.stringContaining('Too odd.')
    expect(await endOf({ status: 400, body: 'Too odd.' })).toMatchObject({
      code: 'AGENT_API',
      retryable: false,
      message,
    })
    expect(await endOf({ status: 404, body: 'Model x is not found.' })).toMatchObject({
      code: 'AGENT_API',
      retryable: false,
    })
  })
})

describeWithGemini('Gemini CLI', () => {
  it('that does not know the conversation to resume says so', async () => {
    const resume = { agentSessionId: '6f0c7b3e-53d1-4a5f-9d36-b1c5d3f0a001' }
    const end = await endOf({ reply: [] }, { session: { resume } })
    expect(end).toMatchObject({ code: 'AGENT_FAILED', message: expect.stringMatching(/cannot resume.*No previous/) })
  })

  it('that hears nothing of its service is stopped all the same', async () => {
    await using gemini = await startGemini({ script: [{ gate: 'silent', hang: 'headers' }] })
    await gemini.server.reached('silent')
    gemini.session.stop()
    expect(await gemini.end).toEqual({ kind: 'stopped' })
    expect(gemini.session.descendants()).toEqual([])
  })

  it('that is killed has no result', async () => {
    await using gemini = await startGemini({ script: [{ gate: 'killed', hang: 'headers' }] })
    await gemini.server.reached('killed')
    gemini.session.kill()
    expect(await gemini.end).toMatchObject({ code: 'AGENT_EXITED', message: expect.stringContaining('SIGKILL') })
  })

  it('that is not installed is named, with how to install it', async () => {
    const end = await endOf({ reply: [] }, { session: { settings: { program: '/nowhere/gemini' } } })
    expect(end).toMatchObject({
      code: 'AGENT_NOT_INSTALLED',
      message: expect.stringMatching(/nowhere\/gemini.*\. Install it with `npm install -g @google\/gemini-cli/),
    })
  })
})
