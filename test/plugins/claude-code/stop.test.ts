/** Stopping, in every state that Claude Code can be in. */
import { readdirSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { claudeCodeProbe } from '../../helpers/agent-programs.ts'
import { isRunning } from '../../helpers/processes.ts'
import { requires } from '../../helpers/requirement.ts'
import { ofType, startClaude } from './claude.ts'

const describeWithClaude = await requires('Claude Code', claudeCodeProbe)

describeWithClaude('stopping Claude Code', () => {
  it('while the model replies keeps what was said and the conversation', async () => {
    await using first = await startClaude({
      script: [{ reply: [{ text: 'Half a' }, { text: ' thought' }], hang: 'middle' }],
    })
    await expect.poll(() => first.session.deltas.length).toBeGreaterThan(0)
    first.session.stop()
    expect(await first.end).toEqual({ kind: 'stopped' })
    expect(ofType(first, 'text')).toMatchObject([{ content: 'Half a' }])

    await using second = await startClaude({
      script: [{ reply: [{ text: 'Whole.' }] }],
      session: { resume: { agentSessionId: ofType(first, 'start')[0]?.agentSessionId ?? '' } },
      after: first,
    })
    expect(await second.end).toMatchObject({ kind: 'complete', summary: 'Whole.' })
  })

  it(
    'while a tool runs closes the tool use, and leaves no process and nothing in the repository',
    shows('claude-code', 'interrupt'),
    async () => {
      await using claude = await startClaude({
        script: [{ reply: [{ tool: 'Bash', input: { command: 'touch a; sleep 300' } }] }],
        answer: () => 'Allow',
      })
      await claude.session.heard(({ type }) => type === 'toolUse')
      await expect.poll(() => readdirSync(claude.workDir)).toEqual(['a'])
      const pids = await vi.waitFor(
        () => {
          const found = claude.session.descendants()
          expect(found.length).toBeGreaterThan(0)
          return found
        },
        { timeout: 60_000 },
      )
      claude.session.stop()
      expect(await claude.end).toEqual({ kind: 'stopped' })
      expect(ofType(claude, 'toolResult')).toMatchObject([{ toolName: 'Bash', success: false }])
      await expect.poll(() => pids.filter(isRunning)).toEqual([])
      expect(readdirSync(claude.workDir)).toEqual(['a'])
    },
  )

  it('while the service does not answer is not held up by it', async () => {
    await using claude = await startClaude({ script: [{ gate: 'hang', hang: 'headers' }] })
    await claude.server.reached('hang')
    claude.session.stop()
    expect(await claude.end).toEqual({ kind: 'stopped' })
  })

  it('before it has begun starts nothing', async () => {
    await using claude = await startClaude({ script: [] })
    claude.session.stop()
    expect(await claude.end).toEqual({ kind: 'stopped' })
  })
})
