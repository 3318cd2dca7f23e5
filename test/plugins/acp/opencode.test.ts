/** OpenCode over ACP through the plugin. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { lastSeen, ofType, requiresAcp, saidText, startAcp } from './acp-session.ts'

const program = 'opencode'
const bash = (command: string) => ({ tool: 'bash', input: { command, description: 'Runs it' } })
const describeWithOpenCode = await requiresAcp(program)

describeWithOpenCode('OpenCode over ACP', () => {
  it(
    'thinks, edits without a question, asks before a command, and sums up',
    shows('acp', 'start', 'text', 'tools', 'permission', 'usage'),
    async () => {
      await using acp = await startAcp({
        program,
        script: [
          { reply: [{ thinking: 'A file is wanted.' }, bash('echo hi; exit 3')] },
          { reply: [{ tool: 'write', input: { filePath: 'greeting.txt', content: 'Hello!\n' } }] },
          { reply: [{ text: 'Done.' }] },
        ],
        session: { permissionMode: 'accept_edits', model: 'test/other' },
        answer: () => 'Allow once',
      })
      expect(await acp.end).toMatchObject({
        kind: 'complete',
        success: true,
        summary: 'Done.',
        usage: { outputTokens: 20 },
      })
      expect(readFileSync(join(acp.workDir, 'greeting.txt'), 'utf8')).toBe('Hello!\n')
      expect(acp.session.messages.filter(({ type }) => type !== 'raw')).toMatchObject([
        {
          type: 'start',
          agentVersion: '1.18.33',
          model: 'test/other',
          agentSessionId: expect.stringContaining('ses_'),
        },
        { type: 'thinking', content: 'A file is wanted.' },
        { type: 'toolUse', toolName: 'bash', kind: 'command', input: { command: 'echo hi; exit 3' } },
        { type: 'toolResult', toolName: 'bash', output: { output: 'hi\n', metadata: { exit: 3 } } },
        { type: 'toolUse', toolName: 'write', kind: 'edit' },
        { type: 'toolResult', toolName: 'write', success: true },
        { type: 'text', content: 'Done.' },
        { type: 'usage', costUsd: expect.any(Number) },
      ])
      expect(acp.session.asked.map(({ question }) => question)).toEqual([expect.stringContaining('echo hi')])
      expect(acp.server.requests.findLast(({ kind }) => kind === 'turn')?.body).toMatchObject({ model: 'other' })
      expect(readdirSync(acp.workDir)).toEqual(['greeting.txt'])
    },
  )

  it('only plans in its mode for that, is told what people say meanwhile, and stops', async () => {
    await using acp = await startAcp({
      program,
      script: [
        { gate: 'reply', reply: [{ text: 'First.' }] },
        { when: { lastUserText: 'zebra' }, reply: [bash('sleep 300')] },
      ],
      session: { permissionMode: 'plan' },
      answer: () => new Promise<string>(() => {}),
    })
    await acp.server.reached('reply')
    acp.session.say('zebra')
    acp.server.open('reply')
    await acp.session.heard(({ type }) => type === 'toolUse')
    expect(lastSeen(acp)).toMatch(/plan mode/i)
    acp.session.stop()
    expect(await acp.end).toEqual({ kind: 'stopped' })
    expect(ofType(acp, 'toolResult')).toMatchObject([{ success: false }])

    const agentSessionId = ofType(acp, 'start')[0]?.agentSessionId ?? ''
    await using resumed = await startAcp({
      program,
      script: [{ reply: [{ text: 'Second.' }] }],
      session: { resume: { agentSessionId }, prompt: 'Go on' },
      after: acp,
    })
    expect(await resumed.end).toMatchObject({ kind: 'complete', summary: 'Second.' })
    expect(saidText(resumed)).toBe('Second.')
    expect(lastSeen(resumed)).toContain('First.')
  })

  it('asks people by the question server, and is told their answer', shows('acp', 'question'), async () => {
    const options = ['80', '443'].map((label) => ({ label, description: `Port ${label}` }))
    await using acp = await startAcp({
      program,
      questionServer: true,
      script: [
        { reply: [{ tool: 'troupe_ask_person', input: { question: 'Which port?', options } }] },
        { reply: [{ text: 'Thanks.' }] },
      ],
      answer: () => '8080',
    })
    expect(await acp.end).toMatchObject({ kind: 'complete', summary: 'Thanks.' })
    expect(acp.session.asked).toMatchObject([{ kind: 'question', question: 'Which port?', options }])
    expect(lastSeen(acp)).toContain('8080')
  })

  it('has an error of its service told', async () => {
    await using acp = await startAcp({ program, script: [{ status: 400, body: 'Too odd.', times: 'always' }] })
    expect(await acp.end).toMatchObject({ code: 'AGENT_API', message: expect.stringContaining('Too odd.') })
  })
})
