/** The ACP adapter for Claude Code through the plugin. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import type { Turn } from '../../../fixtures/model-server/script.ts'
import type { AcpOptions } from './acp-session.ts'
import { lastSeen, ofType, requiresAcp, saidText, startAcp } from './acp-session.ts'

const TOUCH = { tool: 'Bash', input: { command: 'touch made.txt' } }
const WRITE = { tool: 'Write', input: { file_path: 'greeting.txt', content: 'Hello!\n' } }
const DONE = { reply: [{ text: 'Done.' }] }
const describeWithClaude = await requiresAcp('claude-agent-acp')

describeWithClaude('Claude Code over ACP', () => {
  it(
    'says where it works, thinks, uses a tool that was allowed and sums up',
    shows('acp', 'start', 'text', 'tools', 'permission', 'usage'),
    async () => {
      await using acp = await startAcp({
        script: [
          { reply: [{ thinking: 'A file is wanted.' }, TOUCH], usage: { input: 10, output: 5, cacheRead: 3 } },
          { reply: [{ text: 'One, two, three.' }], chunks: 4 },
        ],
        answer: () => 'Yes',
      })
      const end = await acp.end
      const usage = { inputTokens: 110, outputTokens: 25, cacheReadTokens: 3, costUsd: expect.any(Number) }
      expect(end).toEqual({ kind: 'complete', success: true, summary: 'One, two, three.', usage })
      expect(readFileSync(join(acp.workDir, 'made.txt'), 'utf8')).toBe('')
      expect(acp.session.messages.filter(({ type }) => type !== 'raw')).toMatchObject([
        {
          type: 'start',
          agent: 'acp',
          workDir: acp.workDir,
          agentVersion: '0.101.0',
          agentSessionId: expect.any(String),
        },
        { type: 'thinking', content: 'A file is wanted.' },
        { type: 'toolUse', toolName: 'Bash', kind: 'command', input: TOUCH.input },
        { type: 'toolResult', toolName: 'Bash', success: true },
        { type: 'text', content: 'One, two, three.' },
        { type: 'usage', ...usage },
      ])
      expect(acp.session.asked).toMatchObject([
        {
          kind: 'permission',
          question: 'Claude Agent wants to use Bash:\ntouch made.txt',
          options: [{ label: 'Yes' }, { label: 'No' }],
        },
      ])
      expect(acp.session.deltas.filter(({ type }) => type === 'text').length).toBeGreaterThan(1)
    },
  )

  it(
    'is told what a person wants instead, and asks questions of its own',
    shows('acp', 'question', 'permission'),
    async () => {
      const choice = {
        header: 'Choice',
        options: [
          { label: 'Red', description: 'warm' },
          { label: 'Blue', description: 'cold' },
        ],
      }
      const questions = [
        { ...choice, question: 'Which colour?', multiSelect: false },
        { ...choice, question: 'Which others?', multiSelect: true },
      ]
      const answers = new Map([
        ['Which colour?', 'Green'],
        ['Which others?', 'Red, Blue'],
      ])
      await using acp = await startAcp({
        script: [
          { reply: [TOUCH] },
          { reply: [{ text: 'Not that, then.' }] },
          { when: { lastUserText: 'zebra' }, reply: [{ tool: 'AskUserQuestion', input: { questions } }] },
          { reply: [{ text: 'Asked.' }] },
        ],
        answer: ({ question }) => answers.get(question) ?? 'Make a zebra instead',
      })
      expect(await acp.end).toMatchObject({ kind: 'complete', summary: 'Asked.' })
      expect(ofType(acp, 'toolResult').map(({ toolName, success }) => [toolName, success])).toEqual([
        ['Bash', false],
        ['AskUserQuestion', true],
      ])
      expect(acp.session.asked[1]).toMatchObject({ kind: 'question', options: choice.options })
      expect(acp.session.asked[2]).toMatchObject({ multiple: true })
      const told = lastSeen(acp)
      for (const answer of ['Green', 'Red, Blue']) expect(told).toContain(answer)
    },
  )

  it('plans, and works once the plan is approved', async () => {
    await using acp = await startAcp({
      script: [{ reply: [{ tool: 'ExitPlanMode', input: { plan: '# Make it' } }] }, DONE],
      session: { permissionMode: 'plan' },
      answer: () => 'Yes, manually approve edits',
    })
    expect(await acp.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(acp.session.asked).toMatchObject([{ kind: 'plan' }])
  })

  it('edits without asking where it may, and asks before anything else', async () => {
    await using acp = await startAcp({
      script: [{ reply: [WRITE] }, { reply: [{ tool: 'Bash', input: { command: 'make all' } }] }, DONE],
      session: { permissionMode: 'accept_edits' },
      answer: () => 'No',
    })
    expect(await acp.end).toMatchObject({ kind: 'complete' })
    expect(readFileSync(join(acp.workDir, 'greeting.txt'), 'utf8')).toBe('Hello!\n')
    expect(acp.session.asked.map(({ question }) => question)).toEqual([expect.stringContaining('make all')])
  })

  it(
    'takes up what people say while it works, and asks nobody in the mode full',
    shows('acp', 'follow-up'),
    async () => {
      await using acp = await startAcp({
        script: [
          { gate: 'reply', reply: [TOUCH] },
          { reply: [{ text: 'First.' }] },
          { when: { lastUserText: 'zebra-one[^]*zebra-two' }, reply: [{ text: 'Second.' }] },
        ],
        session: { permissionMode: 'full' },
      })
      await acp.server.reached('reply')
      acp.session.say('zebra-one')
      acp.session.say('zebra-two')
      acp.server.open('reply')
      expect(await acp.end).toMatchObject({ kind: 'complete', summary: 'Second.' })
      expect(ofType(acp, 'text').map(({ content }) => content)).toEqual(['First.', 'Second.'])
      expect(acp.session.asked).toEqual([])
    },
  )

  it(
    'stops in mid-tool, leaves no process and no litter, and resumes its conversation',
    shows('acp', 'interrupt', 'resume'),
    async () => {
      await using first = await startAcp({
        script: [
          { reply: [{ text: 'I shall remember 42.' }, { tool: 'Bash', input: { command: 'touch a; sleep 300' } }] },
        ],
        answer: () => 'Yes',
      })
      const pids = await vi.waitFor(
        () => {
          const found = first.session.descendants()
          expect(commandsOf(found).join()).toContain('sleep 300')
          return found
        },
        { timeout: 60_000, interval: 200 },
      )
      first.session.stop()
      expect(await first.end).toEqual({ kind: 'stopped' })
      expect(ofType(first, 'toolResult')).toMatchObject([{ toolName: 'Bash', success: false }])
      expect(saidText(first)).toBe('I shall remember 42.')
      await expect.poll(() => commandsOf(pids)).toEqual([])
      expect(readdirSync(first.workDir)).toEqual(['a'])

      const agentSessionId = ofType(first, 'start')[0]?.agentSessionId ?? ''
      await using second = await startAcp({
        script: [{ reply: [{ text: 'It was 42.' }], usage: { input: 7, output: 3 } }],
        session: { resume: { agentSessionId }, prompt: 'What was it?' },
        after: first,
      })
      const usage = { inputTokens: 7, outputTokens: 3, cacheReadTokens: 0 }
      expect(await second.end).toEqual({ kind: 'complete', success: true, summary: 'It was 42.', usage })
      expect(ofType(second, 'start')).toMatchObject([{ agentSessionId }])
      expect(saidText(second)).toBe('It was 42.')
      expect(lastSeen(second)).toContain('I shall remember 42.')
    },
  )

  it('has errors of its service told apart', shows('acp', 'quota'), async () => {
    const endOf = async (turn: Turn, options: AcpOptions = {}) => {
      await using acp = await startAcp({ script: [{ ...turn, times: 'always' }], ...options })
      const end = await acp.end
      expect(ofType(acp, 'text')).toEqual([])
      return end
    }
    expect(await endOf({ status: 429, body: 'Slow down.' })).toMatchObject({ code: 'AGENT_QUOTA', retryable: true })
    expect(await endOf({ status: 400, body: 'Too odd.' })).toMatchObject({
      code: 'AGENT_API',
      retryable: false,
      message: expect.stringContaining('Too odd.'),
    })
    expect(await endOf({ reply: [] }, { env: { ANTHROPIC_API_KEY: '' } })).toMatchObject({
      code: 'AGENT_NOT_SIGNED_IN',
    })
  })

  it('refuses a model and a conversation that it does not know', async () => {
    await using acp = await startAcp({ session: { model: 'no-such-model' } })
    expect(await acp.end).toMatchObject({ code: 'AGENT_SETTINGS', message: expect.stringContaining('no-such-model') })
    const agentSessionId = '6f0c7b3e-53d1-4a5f-9d36-b1c5d3f0a001'
    await using resumed = await startAcp({ session: { resume: { agentSessionId } } })
    expect(await resumed.end).toMatchObject({ code: 'AGENT_FAILED', message: expect.stringContaining('cannot resume') })
  })

  it('that is killed has no result', async () => {
    await using acp = await startAcp({ script: [{ gate: 'killed', hang: 'headers' }] })
    await acp.server.reached('killed')
    acp.session.kill()
    expect(await acp.end).toMatchObject({ code: 'AGENT_EXITED', message: expect.stringContaining('SIGKILL') })
  })
})

/** Of those that run still. */
function commandsOf(pids: readonly number[]): string[] {
  return pids.flatMap((pid) => {
    try {
      return [readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim()].filter((line) => line !== '')
    } catch {
      return [] // It has ended.
    }
  })
}
