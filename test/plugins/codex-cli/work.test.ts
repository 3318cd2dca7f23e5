/** Codex at work: what it says and does comes out as messages. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { AGENT_PACKAGES } from '../../helpers/agent-versions.ts'
import { requires } from '../../helpers/requirement.ts'
import { lastSeen, ofType, startCodex } from './codex.ts'

const PATCH = '*** Begin Patch\n*** Add File: greeting.txt\n+Hello!\n*** End Patch\n'
const describeWithCodex = await requires('Codex CLI', agentProbe('codex-cli'))

describeWithCodex('Codex at work', () => {
  it(
    'says where it works, thinks, edits, runs commands and sums up',
    shows('codex-cli', 'start', 'text', 'tools', 'usage'),
    async () => {
      await using codex = await startCodex({
        script: [
          {
            reply: [{ thinking: 'A file is wanted.' }, { text: 'I write it.' }, { tool: 'apply_patch', input: PATCH }],
            usage: { input: 10, output: 5 },
          },
          { reply: [{ tool: 'exec_command', input: { cmd: 'cat greeting.txt; env' } }] },
          { reply: [{ text: 'The file greets.' }], usage: { input: 20, output: 7, cacheRead: 3 } },
        ],
        session: { permissionMode: 'accept_edits' },
      })
      const usage = { inputTokens: 127, outputTokens: 32, cacheReadTokens: 3 }
      expect(await codex.end).toEqual({ kind: 'complete', success: true, summary: 'The file greets.', usage })
      expect(readFileSync(join(codex.workDir, 'greeting.txt'), 'utf8')).toBe('Hello!\n')
      const told = codex.session.messages.filter(({ type }) => type !== 'raw')
      const path = join(codex.workDir, 'greeting.txt')
      expect(told).toMatchObject([
        { type: 'start', agent: 'codex-cli', model: 'gpt-5.5', workDir: codex.workDir },
        { type: 'thinking', content: 'A file is wanted.' },
        { type: 'text', content: 'I write it.' },
        { type: 'toolUse', toolName: 'apply_patch', kind: 'edit', input: { changes: [{ path, diff: 'Hello!\n' }] } },
        { type: 'toolResult', toolName: 'apply_patch', success: true },
        { type: 'toolUse', toolName: 'shell', kind: 'command', input: { cwd: codex.workDir } },
        { type: 'toolResult', toolName: 'shell', success: true, output: expect.stringMatching(/^Hello!\n/) },
        { type: 'text', content: 'The file greets.' },
        { type: 'usage', ...usage },
      ])
      expect(ofType(codex, 'start')[0]?.agentVersion).toBe(AGENT_PACKAGES['codex-cli'].version)
      expect(JSON.stringify(told)).not.toContain('sk-fake')
    },
  )

  it('shows text and thoughts while they are streamed', async () => {
    await using codex = await startCodex({
      script: [{ reply: [{ thinking: 'Think well.' }, { text: 'One, two, three.' }], chunks: 4 }],
    })
    await codex.end
    const shown = (type: string) =>
      codex.session.deltas.filter((delta) => delta.type === type).map(({ content }) => content)
    expect(shown('text').length).toBeGreaterThan(1)
    expect(shown('text').join('')).toBe('One, two, three.')
    expect(shown('thinking').join('')).toBe('Think well.')
  })

  it('tells of a tool that failed', async () => {
    await using codex = await startCodex({
      script: [
        { reply: [{ tool: 'exec_command', input: { cmd: 'cat missing.txt' } }] },
        { reply: [{ text: 'Missing.' }] },
      ],
      session: { permissionMode: 'full' },
    })
    expect(await codex.end).toMatchObject({ kind: 'complete', success: true })
    expect(ofType(codex, 'toolResult')).toMatchObject([{ toolName: 'shell', success: false }])
  })

  it('with a newer model, which calls its tools from a script, tells of each tool', async () => {
    const input = "text((await tools.exec_command({cmd: 'echo from a script'})).output)"
    await using codex = await startCodex({
      script: [
        { reply: [{ tool: 'exec', input }] },
        { when: { toolResult: 'from a script' }, reply: [{ text: 'Done.' }] },
      ],
      session: { permissionMode: 'full', model: 'gpt-6.1-sol' },
    })
    expect(await codex.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(ofType(codex, 'start')).toMatchObject([{ model: 'gpt-6.1-sol' }])
    expect(ofType(codex, 'toolResult')).toMatchObject([{ output: 'from a script\n', success: true }])
  })

  it('resumes its own conversation, and counts only what is new', shows('codex-cli', 'resume'), async () => {
    await using first = await startCodex({
      script: [{ reply: [{ text: 'I shall remember 42.' }], usage: { input: 100, output: 10 } }],
    })
    expect(await first.end).toMatchObject({ kind: 'complete' })
    const agentSessionId = ofType(first, 'start')[0]?.agentSessionId ?? ''
    await using second = await startCodex({
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
    await using codex = await startCodex({ script: [], session: { resume: { agentSessionId } } })
    expect(await codex.end).toMatchObject({
      kind: 'error',
      code: 'AGENT_FAILED',
      message: expect.stringContaining('Start the task again'),
    })
  })

  it('leaves the configuration of the user as it was', async () => {
    await using codex = await startCodex({
      script: [{ reply: [{ text: 'Done.' }] }],
      session: { permissionMode: 'full' },
    })
    await codex.end
    expect(existsSync(join(codex.folder, '.codex/config.toml'))).toBe(false)
    expect(readdirSync(codex.workDir)).toEqual(['.git'])
  })
})
