/** What goes wrong between Claude Code, its service and this machine ends in an error that says what to do. */
import { expect, it } from 'vitest'
import type { Turn } from '../../../fixtures/model-server/script.ts'
import { shows } from '../../helpers/abilities.ts'
import { claudeCodeProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import type { ClaudeOptions } from './claude.ts'
import { ofType, startClaude } from './claude.ts'

/** Claude Code tries ten times, which takes minutes. */
const ONE_RETRY = { CLAUDE_CODE_MAX_RETRIES: '1' }
const OAUTH = { ANTHROPIC_API_KEY: '', CLAUDE_CODE_OAUTH_TOKEN: 'sk-ant-oat01-fake' }
const describeWithClaude = await requires('Claude Code', claudeCodeProbe)

async function endOf(turn: Turn, options: ClaudeOptions = {}) {
  await using claude = await startClaude({ script: [{ ...turn, times: 'always' }], ...options })
  return { end: await claude.end, claude }
}

describeWithClaude('an error of the model service', () => {
  it('is told while Claude Code tries again, and does not end the session', async () => {
    await using claude = await startClaude({ script: [{ status: 529 }, { reply: [{ text: 'Here now.' }] }] })
    expect(await claude.end).toMatchObject({ kind: 'complete', summary: 'Here now.' })
    expect(ofType(claude, 'error')).toMatchObject([
      { code: 'AGENT_API', retryable: true, message: expect.stringMatching(/status 529 .*attempt 1 of 10/) },
    ])
  })

  it('ends the session when it stays, and is not taken for words of the agent', async () => {
    const { end, claude } = await endOf({ status: 500 }, { env: ONE_RETRY })
    expect(end).toMatchObject({
      kind: 'error',
      code: 'AGENT_API',
      retryable: true,
      message: expect.stringContaining('500'),
    })
    expect(ofType(claude, 'text')).toEqual([])
  })

  it('that is final names what was refused', async () => {
    const { end } = await endOf({ status: 400, body: 'The prompt is too odd.' })
    expect(end).toMatchObject({ code: 'AGENT_API', retryable: false, message: expect.stringContaining('too odd') })
  })

  it('is survived when the connection is cut half-way', async () => {
    await using claude = await startClaude({
      script: [{ drop: 'middle', reply: [{ text: 'Half of a text.' }] }, { reply: [{ text: 'All of a text.' }] }],
    })
    expect(await claude.end).toMatchObject({ kind: 'complete', summary: 'All of a text.' })
    expect(ofType(claude, 'error')).toMatchObject([{ retryable: true }])
  })

  it('is reported when there is no connection at all', async () => {
    const { end } = await endOf({ drop: 'before' }, { env: ONE_RETRY })
    expect(end).toMatchObject({ code: 'AGENT_API', retryable: true })
  })
})

describeWithClaude('the account', () => {
  it('with a used-up quota says when it is full again', shows('claude-code', 'quota'), async () => {
    const headers = {
      'anthropic-ratelimit-unified-status': 'rejected',
      'anthropic-ratelimit-unified-reset': '1795400000',
      'anthropic-ratelimit-unified-representative-claim': 'five_hour',
    }
    const { end, claude } = await endOf({ status: 429, headers }, { env: { ...OAUTH, ...ONE_RETRY } })
    const resetsAt = new Date(1_795_400_000_000).toISOString()
    expect(end).toMatchObject({ code: 'AGENT_QUOTA', resetsAt, message: expect.stringContaining(resetsAt) })
    expect(claude.server.requests[0]?.credential).toBe('bearer')
  })

  it('with a rate limit of unknown length is a quota error too', async () => {
    const { end } = await endOf({ status: 429, body: 'Slow down.' }, { env: ONE_RETRY })
    expect(end).toMatchObject({ code: 'AGENT_QUOTA', retryable: true, message: expect.stringContaining('Slow down.') })
  })

  it('without credit is a quota error that trying again does not help', async () => {
    const { end } = await endOf({ status: 400, body: 'Your credit balance is too low to access the Anthropic API.' })
    expect(end).toMatchObject({ code: 'AGENT_QUOTA', retryable: false })
  })

  it('with a wrong key is not signed in', async () => {
    const { end } = await endOf({ status: 401, body: 'invalid x-api-key' }, { env: ONE_RETRY })
    expect(end).toMatchObject({
      code: 'AGENT_NOT_SIGNED_IN',
      message: expect.stringContaining('in the environment of Troupe'),
    })
  })

  it('without any credential is not signed in, and asks no service', async () => {
    const { end, claude } = await endOf({ reply: [] }, { env: { ANTHROPIC_API_KEY: '' } })
    expect(end).toMatchObject({ code: 'AGENT_NOT_SIGNED_IN' })
    expect(claude.server.requests).toEqual([])
  })
})

describeWithClaude('Claude Code', () => {
  it('that refuses ends with its reason, and its own nudges are not shown', async () => {
    const { end, claude } = await endOf({ stopReason: 'refusal', reply: [{ text: 'I cannot.' }] })
    expect(end).toMatchObject({ code: 'AGENT_FAILED', message: expect.stringContaining('The model refused') })
    expect(JSON.stringify(claude.session.messages)).not.toContain('safety classifier')
  })

  it('that reaches its number of turns says so', async () => {
    const { end } = await endOf(
      { reply: [{ tool: 'Bash', input: { command: 'ls' } }] },
      { session: { settings: { args: ['--max-turns', '1'] } } },
    )
    expect(end).toMatchObject({ code: 'AGENT_FAILED', message: expect.stringContaining('maximum number of turns') })
  })

  it('that does not know an option of the settings ends with what it printed', async () => {
    const { end } = await endOf({ reply: [] }, { session: { settings: { args: ['--nonsense'] } } })
    expect(end).toMatchObject({ code: 'AGENT_EXITED', message: expect.stringContaining("unknown option '--nonsense'") })
  })

  it('that is killed has no result', async () => {
    await using claude = await startClaude({ script: [{ gate: 'killed', hang: 'headers' }] })
    await claude.server.reached('killed')
    claude.session.kill()
    expect(await claude.end).toMatchObject({ code: 'AGENT_EXITED', message: expect.stringContaining('SIGKILL') })
  })

  it('that is not installed is named, with how to install it', async () => {
    const program = '/nowhere/claude'
    const { end } = await endOf({ reply: [] }, { session: { settings: { program, args: [] } } })
    expect(end).toMatchObject({ code: 'AGENT_NOT_INSTALLED', message: expect.stringMatching(/nowhere.*npm install/) })
  })
})
