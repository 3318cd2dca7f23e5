/** Claude Code at work: what it says and does comes out as messages. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { claudeCodeProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { lastSeen, ofType, startClaude } from './claude.ts'

const WRITE = { tool: 'Write', input: { file_path: 'greeting.txt', content: 'Hello!\n' } }
const describeWithClaude = await requires('Claude Code', claudeCodeProbe)

describeWithClaude('Claude Code at work', () => {
  it(
    'says where it works, thinks, writes a file and sums up',
    shows('claude-code', 'start', 'text', 'tools', 'usage'),
    async () => {
      await using claude = await startClaude({
        script: [
          {
            reply: [{ thinking: 'A file is wanted.' }, { text: 'I write it.' }, WRITE],
            usage: { input: 10, output: 5 },
          },
          { reply: [{ text: 'The file greets.' }], usage: { input: 20, output: 7, cacheRead: 3 } },
        ],
        session: { permissionMode: 'accept_edits', model: 'claude-sonnet-5-5' },
      })
      const end = await claude.end
      const usage = { inputTokens: 30, outputTokens: 12, cacheReadTokens: 3, costUsd: expect.any(Number) }
      expect(end).toEqual({ kind: 'complete', success: true, summary: 'The file greets.', usage })
      expect(readFileSync(join(claude.workDir, 'greeting.txt'), 'utf8')).toBe('Hello!\n')
      expect(claude.session.messages).toMatchObject([
        { type: 'start', agent: 'claude-code', model: 'claude-sonnet-5-5', workDir: claude.workDir },
        { type: 'thinking', content: 'A file is wanted.' },
        { type: 'text', content: 'I write it.' },
        { type: 'toolUse', toolName: 'Write', kind: 'edit', input: WRITE.input },
        { type: 'toolResult', toolName: 'Write', success: true },
        { type: 'text', content: 'The file greets.' },
        { type: 'usage', ...usage },
      ])
      expect(ofType(claude, 'start')[0]?.agentVersion).toMatch(/^\d+\.\d+\.\d+/)
    },
  )

  it('shows text and thoughts while they are streamed', async () => {
    await using claude = await startClaude({
      script: [{ reply: [{ thinking: 'Think well.' }, { text: 'One, two, three.' }], chunks: 4 }],
    })
    await claude.end
    const shown = (type: string) => claude.session.deltas.filter((delta) => delta.type === type)
    expect(shown('text').length).toBeGreaterThan(1)
    expect(
      shown('text')
        .map(({ content }) => content)
        .join(''),
    ).toBe('One, two, three.')
    expect(
      shown('thinking')
        .map(({ content }) => content)
        .join(''),
    ).toBe('Think well.')
  })

  it('tells of a tool that failed', async () => {
    await using claude = await startClaude({
      script: [
        { reply: [{ tool: 'Bash', input: { command: 'cat missing.txt' } }] },
        { reply: [{ text: 'It is missing.' }] },
      ],
    })
    expect(await claude.end).toMatchObject({ kind: 'complete', success: true })
    expect(ofType(claude, 'toolUse')).toMatchObject([{ kind: 'command' }])
    expect(ofType(claude, 'toolResult')).toMatchObject([{ toolName: 'Bash', success: false }])
  })

  it('keeps its temporary files in the folder of the session', async () => {
    await using claude = await startClaude({ script: [{ reply: [{ text: 'Done.' }] }] })
    await claude.end
    expect(readdirSync(join(claude.folder, 'scratch'))).not.toEqual([])
    expect(readdirSync(join(claude.folder, 'tmp'))).toEqual([])
  })

  it('resumes its own conversation, and counts only what is new', shows('claude-code', 'resume'), async () => {
    await using first = await startClaude({
      script: [{ reply: [{ text: 'I shall remember 42.' }], usage: { input: 100, output: 10 } }],
    })
    expect(await first.end).toMatchObject({ kind: 'complete' })
    const agentSessionId = ofType(first, 'start')[0]?.agentSessionId ?? ''
    await using second = await startClaude({
      script: [{ reply: [{ text: 'It was 42.' }], usage: { input: 7, output: 3 } }],
      session: { resume: { agentSessionId }, prompt: 'What was it?' },
      after: first,
    })
    expect(await second.end).toMatchObject({ summary: 'It was 42.', usage: { inputTokens: 7, outputTokens: 3 } })
    expect(ofType(second, 'start')).toMatchObject([{ agentSessionId }])
    expect(lastSeen(second)).toContain('I shall remember 42.')
  })

  it('ends with a clear error when the conversation to resume is unknown', async () => {
    const agentSessionId = '6f0c7b3e-53d1-4a5f-9d36-b1c5d3f0a001'
    await using claude = await startClaude({ script: [], session: { resume: { agentSessionId } } })
    expect(await claude.end).toMatchObject({
      kind: 'error',
      code: 'AGENT_FAILED',
      message: expect.stringContaining(`No conversation found with session ID: ${agentSessionId}`),
    })
  })

  it('shows the work of its subagents', async () => {
    await using claude = await startClaude({
      scripts: {
        subagent: {
          match: 'Count the files',
          turns: [{ reply: [{ tool: 'Bash', input: { command: 'ls' } }] }, { reply: [{ text: 'None.' }] }],
        },
        main: {
          match: 'Do the task',
          turns: [
            {
              reply: [
                {
                  tool: 'Task',
                  input: { description: 'Count', prompt: 'Count the files', subagent_type: 'general-purpose' },
                },
              ],
            },
            { when: { toolResult: 'None\\.' }, reply: [{ text: 'There are none.' }] },
          ],
        },
      },
    })
    expect(await claude.end).toMatchObject({ kind: 'complete', summary: 'There are none.' })
    expect(ofType(claude, 'toolUse').map(({ toolName, kind }) => [toolName, kind])).toEqual([
      ['Task', 'agent'],
      ['Bash', 'command'],
    ])
    expect(ofType(claude, 'toolResult').map(({ toolName }) => toolName)).toEqual(['Bash', 'Task'])
    expect(claude.server.left()).toEqual({})
  })
})
