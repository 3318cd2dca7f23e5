/** What goes wrong between Codex, its service and this machine ends in an error that says what to do. */
import { expect, it } from 'vitest'
import type { Turn } from '../../../fixtures/model-server/script.ts'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { type CodexOptions, ofType, startCodex } from './codex.ts'

const describeWithCodex = await requires('Codex CLI', agentProbe('codex-cli'))

async function endOf(turn: Turn, options: CodexOptions = {}) {
  await using codex = await startCodex({ script: [{ ...turn, times: 'always' }], ...options })
  return { end: await codex.end, codex }
}

describeWithCodex('an error of the model service', () => {
  it('is told while Codex tries again, and does not end the session', async () => {
    await using codex = await startCodex({
      script: [{ drop: 'middle', reply: [{ text: 'Half of a text.' }] }, { reply: [{ text: 'All of a text.' }] }],
    })
    expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'All of a text.' })
    expect(ofType(codex, 'error')).toMatchObject([
      { code: 'AGENT_API', retryable: true, message: expect.stringContaining('Reconnecting... 1/1') },
    ])
  })

  it('ends the session when it stays', async () => {
    const { end, codex } = await endOf({ status: 500 })
    expect(end).toMatchObject({ kind: 'error', code: 'AGENT_API', retryable: true })
    expect(ofType(codex, 'text')).toEqual([])
  })

  it('that is final names what was refused', async () => {
    const { end } = await endOf({ status: 400, body: 'The prompt is too odd.' })
    expect(end).toMatchObject({ code: 'AGENT_API', retryable: false, message: expect.stringContaining('too odd') })
  })
})

describeWithCodex('the account', () => {
  it('with a used-up quota says when it is full again', shows('codex-cli', 'quota'), async () => {
    const headers = {
      'x-codex-primary-used-percent': '100',
      'x-codex-primary-window-minutes': '300',
      'x-codex-primary-reset-at': '1795400000',
    }
    const error = { type: 'usage_limit_reached', message: 'Used up', plan_type: 'plus', resets_at: 1_795_400_000 }
    const { end } = await endOf({ status: 429, headers, body: { error } })
    const resetsAt = new Date(1_795_400_000_000).toISOString()
    expect(end).toMatchObject({
      code: 'AGENT_QUOTA',
      resetsAt,
      retryable: true,
      message: expect.stringContaining(resetsAt),
    })
  })

  it('with a wrong key is not signed in', async () => {
    const { end } = await endOf({ status: 401, body: 'invalid key' })
    expect(end).toMatchObject({
      code: 'AGENT_NOT_SIGNED_IN',
      message: expect.stringContaining('in the environment of Troupe'),
    })
  })

  it('without any credential is not signed in, and asks no service', async () => {
    const { end, codex } = await endOf({ reply: [] }, { env: { CODEX_API_KEY: '' } })
    expect(end).toMatchObject({ code: 'AGENT_NOT_SIGNED_IN' })
    expect(codex.server.requests).toEqual([])
  })

  it('that somebody has signed in with is used when there is no key', async () => {
    const auth = JSON.stringify({ auth_mode: 'apikey', OPENAI_API_KEY: 'sk-signed-in' })
    await using codex = await startCodex({
      script: [{ reply: [{ text: 'Done.' }] }],
      env: { CODEX_API_KEY: '' },
      files: { '.codex/auth.json': auth },
    })
    expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(codex.server.requests.find(({ kind }) => kind === 'turn')?.credential).toBe('bearer')
  })
})

describeWithCodex('Codex', () => {
  it('that does not know an option of the settings ends with what it printed', async () => {
    const { end } = await endOf({ reply: [] }, { session: { settings: { args: ['--nonsense'] } } })
    expect(end).toMatchObject({
      code: 'AGENT_EXITED',
      message: expect.stringContaining("unexpected argument '--nonsense'"),
    })
  })

  it('that is killed has no result', async () => {
    await using codex = await startCodex({ script: [{ gate: 'killed', hang: 'headers' }] })
    await codex.server.reached('killed')
    codex.session.kill()
    expect(await codex.end).toMatchObject({ code: 'AGENT_EXITED', message: expect.stringContaining('SIGKILL') })
  })

  it('that is not installed is named, with how to install it', async () => {
    const { end } = await endOf({ reply: [] }, { session: { settings: { program: '/nowhere/codex' } } })
    expect(end).toMatchObject({ code: 'AGENT_NOT_INSTALLED', message: expect.stringMatching(/nowhere.*npm install/s) })
  })
})
