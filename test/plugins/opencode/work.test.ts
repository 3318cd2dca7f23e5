/** OpenCode at work: what it says, does and asks comes out as messages and questions. */
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { AGENT_PACKAGES } from '../../helpers/agent-versions.ts'
import { requires } from '../../helpers/requirement.ts'
import { bash, lastSeen, ofType, startOpenCode } from './opencode.ts'

const QUESTION = {
  question: 'Which colour?',
  header: 'Colour',
  options: [
    { label: 'Red', description: 'warm' },
    { label: 'Blue', description: 'cold' },
  ],
}
const describeWithOpenCode = await requires('OpenCode', agentProbe('opencode'))

describeWithOpenCode('OpenCode at work', () => {
  it(
    'thinks, edits and runs commands when it is allowed to, asks what it wants to know, and sums up',
    shows('opencode', 'start', 'text', 'tools', 'permission', 'question', 'usage'),
    async () => {
      await using agent = await startOpenCode({
        script: [
          { reply: [{ thinking: 'A file is wanted.' }, { text: 'I begin.' }, bash('echo hi; exit 3')] },
          {
            reply: [{ tool: 'write', input: { filePath: 'greeting.txt', content: 'Hello!\n' } }],
          },
          { reply: [bash('touch denied')] },
          { reply: [{ tool: 'question', input: { questions: [QUESTION] } }] },
          { reply: [{ text: 'Done.' }], chunks: 3 },
        ],
        session: { model: 'test/other' },
        answer: ({ kind, question }) => (kind === 'question' ? 'Blue' : question.includes('denied') ? 'Deny' : 'Allow'),
      })
      const usage = { inputTokens: 500, outputTokens: 100, costUsd: 0.0007 }
      expect(await agent.end).toMatchObject({ kind: 'complete', success: true, summary: 'Done.', usage })
      expect(readFileSync(join(agent.workDir, 'greeting.txt'), 'utf8')).toBe('Hello!\n')
      expect(readdirSync(agent.workDir)).toEqual(['greeting.txt'])
      expect(ofType(agent, 'start')).toMatchObject([
        {
          agentVersion: AGENT_PACKAGES.opencode.version,
          model: 'test/other',
          agentSessionId: expect.stringContaining('ses_'),
        },
      ])
      expect(ofType(agent, 'thinking')).toEqual([{ type: 'thinking', content: 'A file is wanted.' }])
      expect(ofType(agent, 'text').map(({ content }) => content)).toEqual(['I begin.', 'Done.'])
      expect(ofType(agent, 'toolUse').map(({ kind, toolName }) => `${kind}: ${toolName}`)).toEqual([
        'command: bash',
        'edit: write',
        'command: bash',
      ])
      expect(ofType(agent, 'toolResult')).toMatchObject([
        { output: 'hi\n', success: false },
        { toolName: 'write', success: true },
        { toolName: 'bash', success: false },
      ])
      expect(agent.session.asked.map(({ kind, question }) => `${kind}: ${question}`)).toEqual([
        'permission: OpenCode wants to use bash:\necho hi; exit 3',
        expect.stringMatching(/^permission: OpenCode wants to use edit:[^]*\+Hello!/),
        'permission: OpenCode wants to use bash:\ntouch denied',
        'question: Which colour?',
      ])
      expect(lastSeen(agent)).toMatch(/Blue/)
      expect(agent.server.requests.findLast(({ kind }) => kind === 'turn')?.body).toMatchObject({ model: 'other' })
      expect(agent.session.deltas.map(({ content }) => content).join('')).toContain('Done.')
      expect(ofType(agent, 'raw')).toEqual([])
    },
  )

  it(
    'hears what people say meanwhile, and resumes its conversation later',
    shows('opencode', 'follow-up', 'resume'),
    async () => {
      await using first = await startOpenCode({
        script: [{ gate: 'reply', reply: [{ text: 'I shall remember 42.' }] }, { reply: [{ text: 'And zebras.' }] }],
      })
      await first.server.reached('reply')
      first.session.say('zebra')
      first.server.open('reply')
      expect(await first.end).toMatchObject({ kind: 'complete', summary: 'And zebras.' })
      expect(lastSeen(first)).toMatch(/42.*zebra/)
      const [start] = ofType(first, 'start')

      await using second = await startOpenCode({
        script: [{ reply: [{ text: 'It was 42.' }], usage: { input: 7, output: 3 } }],
        session: { resume: { agentSessionId: start?.agentSessionId ?? '' }, prompt: 'What was it?' },
        after: first,
      })
      expect(await second.end).toMatchObject({ summary: 'It was 42.', usage: { inputTokens: 7, outputTokens: 3 } })
      expect(ofType(second, 'start')).toMatchObject([{ agentSessionId: start?.agentSessionId }])
      expect(ofType(second, 'text')).toHaveLength(1)
      expect(lastSeen(second)).toMatch(/I shall remember 42.*What was it\?/)
    },
  )

  it('only plans in its mode for that, and carries the plan out when it is approved', async () => {
    const write = (filePath: string) => ({ tool: 'write', input: { filePath, content: 'x\n' } })
    await using agent = await startOpenCode({
      script: [
        { reply: [write('early.txt')] },
        { reply: [{ text: 'A plan.' }] },
        { reply: [write('late.txt')] },
        { reply: [{ text: 'Done.' }] },
      ],
      session: { permissionMode: 'plan' },
      answer: () => 'Approve and accept edits',
    })
    expect(await agent.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(agent.session.asked).toMatchObject([{ kind: 'plan', question: 'A plan.' }])
    expect(readdirSync(agent.workDir)).toEqual(['late.txt'])
  })
})
