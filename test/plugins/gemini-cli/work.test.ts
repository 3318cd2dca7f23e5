/** The real Gemini CLI at work. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { AGENT_PACKAGES } from '../../helpers/agent-versions.ts'
import { isRunning } from '../../helpers/processes.ts'
import { requires } from '../../helpers/requirement.ts'
import { lastSeen, letAMinutePass, ofType, saidText, startGemini } from './gemini.ts'

const shell = (command: string) => ({ tool: 'run_shell_command', input: { command, description: 'Does it' } })
const WRITE = { tool: 'write_file', input: { file_path: 'greeting.txt', content: 'Hello!\n' } }
const DONE = { reply: [{ text: 'Done.' }] }
const describeWithGemini = await requires('Gemini CLI', agentProbe('gemini-cli'))

describeWithGemini('Gemini CLI at work', () => {
  it(
    'thinks, runs a command, writes a file and sums up',
    shows('gemini-cli', 'start', 'text', 'tools', 'usage', 'permission'),
    async () => {
      await using gemini = await startGemini({
        script: [
          {
            reply: [{ thinking: '**Think** A file is wanted.' }, shell('echo ready; exit 3')],
            usage: { input: 10, output: 5 },
          },
          { reply: [WRITE] },
          { reply: [{ text: 'One, two, three.' }], chunks: 4 },
        ],
        answer: () => 'Allow',
      })
      const end = await gemini.end
      const usage = { inputTokens: 210, outputTokens: 45 }
      expect(end).toMatchObject({ kind: 'complete', success: true, summary: 'One, two, three.', usage })
      expect(readFileSync(join(gemini.workDir, 'greeting.txt'), 'utf8')).toBe('Hello!\n')
      expect(readdirSync(gemini.workDir)).toEqual(['greeting.txt'])
      expect(gemini.session.messages.filter(({ type }) => type !== 'raw')).toMatchObject([
        {
          type: 'start',
          agent: 'gemini-cli',
          agentVersion: AGENT_PACKAGES['gemini-cli'].version,
          model: 'gemini-2.5-pro',
        },
        { type: 'thinking', content: expect.stringContaining('A file is wanted.') },
        { type: 'toolUse', toolName: 'run_shell_command', kind: 'command', input: { command: 'echo ready; exit 3' } },
        { type: 'toolResult', toolName: 'run_shell_command', output: expect.stringContaining('ready') },
        { type: 'toolUse', toolName: 'write_file', kind: 'edit', input: { edits: [{ newText: 'Hello!\n' }] } },
        { type: 'toolResult', toolName: 'write_file', success: true },
        { type: 'text', content: 'One, two, three.' },
        { type: 'usage', ...usage },
      ])
      expect(gemini.session.asked).toMatchObject([
        {
          kind: 'permission',
          question: 'Gemini CLI wants to use run_shell_command:\necho ready; exit 3',
          options: [{ label: 'Allow for this session' }, { label: 'Allow' }, { label: 'Reject' }],
        },
        { question: expect.stringContaining('write_file') },
      ])
      expect(gemini.session.deltas.filter(({ type }) => type === 'text').length).toBeGreaterThan(1)
      expect(gemini.server.requests[0]?.credential).toBe('x-goog-api-key')
    },
  )

  it(
    'is told what a person wants instead of a tool, and what people say meanwhile',
    shows('gemini-cli', 'follow-up'),
    async () => {
      await using gemini = await startGemini({
        script: [
          { reply: [shell('make')] },
          { reply: [{ text: 'Not that, then.' }] },
          { gate: 'reply', when: { lastUserText: 'zebra-one' }, reply: [{ text: 'Two.' }] },
          { when: { lastUserText: 'zebra-two' }, reply: [{ text: 'Three.' }] },
        ],
        answer: () => 'Make zebra-one instead',
      })
      await gemini.server.reached('reply')
      gemini.session.say('And zebra-two')
      gemini.server.open('reply')
      expect(await gemini.end).toMatchObject({ kind: 'complete', summary: 'Three.' })
      expect(ofType(gemini, 'toolResult')).toMatchObject([{ toolName: 'run_shell_command', success: false }])
      expect(ofType(gemini, 'text').map(({ content }) => content)).toEqual(['Not that, then.', 'Two.', 'Three.'])
    },
  )

  it('edits without a question where it may, and asks before a command', async () => {
    await using gemini = await startGemini({
      script: [{ reply: [WRITE] }, { reply: [shell('make')] }, DONE],
      session: { permissionMode: 'accept_edits' },
      answer: () => 'Reject',
    })
    expect(await gemini.end).toMatchObject({ kind: 'complete' })
    expect(readdirSync(gemini.workDir)).toEqual(['greeting.txt'])
    expect(gemini.session.asked.map(({ question }) => question)).toEqual([expect.stringContaining('make')])
  })

  it('asks nobody in the mode full', async () => {
    await using gemini = await startGemini({
      script: [{ reply: [shell('touch made.txt')] }, DONE],
      session: { permissionMode: 'full' },
    })
    expect(await gemini.end).toMatchObject({ kind: 'complete' })
    expect(readdirSync(gemini.workDir)).toEqual(['made.txt'])
    expect(gemini.session.asked).toEqual([])
  })

  it('only plans in its mode for that', async () => {
    await using gemini = await startGemini({
      script: [{ reply: [shell('touch made.txt')] }, DONE],
      session: { permissionMode: 'plan' },
      answer: () => 'Allow',
    })
    expect(await gemini.end).toMatchObject({ kind: 'complete' })
    expect(readdirSync(gemini.workDir)).toEqual([])
    expect(JSON.stringify(gemini.server.requests[0]?.body)).toMatch(/plan mode/i)
    expect(saidText(gemini)).toBe('Done.')
  })

  it(
    'stops in mid-tool, leaves no process and no litter, and resumes its conversation',
    shows('gemini-cli', 'interrupt', 'resume'),
    async () => {
      await using first = await startGemini({
        script: [{ reply: [{ text: 'I shall remember 42.' }, shell('touch begun; sleep 300')] }],
        answer: () => 'Allow',
      })
      await first.session.heard(({ type }) => type === 'toolUse')
      await expect.poll(() => readdirSync(first.workDir)).toEqual(['begun'])
      const pids = first.session.descendants()
      expect(pids).not.toEqual([])
      first.session.stop()
      expect(await first.end).toEqual({ kind: 'stopped' })
      expect(ofType(first, 'toolResult')).toMatchObject([
        { toolName: 'run_shell_command', output: 'Command cancelled by user.' },
      ])
      await expect.poll(() => pids.filter(isRunning)).toEqual([])
      expect(readdirSync(first.workDir)).toEqual(['begun'])

      const agentSessionId = ofType(first, 'start')[0]?.agentSessionId ?? ''
      letAMinutePass(first.folder, 'project')
      await using second = await startGemini({
        script: [{ reply: [{ text: 'It was 42.' }] }],
        session: { resume: { agentSessionId }, prompt: 'What was it?' },
        after: first,
      })
      expect(await second.end).toMatchObject({ kind: 'complete', summary: 'It was 42.' })
      expect(ofType(second, 'start')).toMatchObject([{ agentSessionId }])
      expect(saidText(second)).toBe('It was 42.')
      expect(lastSeen(second)).toContain('I shall remember 42.')
    },
  )
})
