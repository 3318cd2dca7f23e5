/** Stopping, in every state that Codex can be in. */
import { readFileSync, readdirSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { ofType, startCodex } from './codex.ts'

const describeWithCodex = await requires('Codex CLI', agentProbe('codex-cli'))

/** A zombie is a process that has ended. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describeWithCodex('stopping Codex', () => {
  it('while the model replies keeps the conversation', async () => {
    await using first = await startCodex({
      script: [{ reply: [{ text: 'Half a' }, { text: ' thought' }], hang: 'middle' }],
    })
    await vi.waitFor(() => expect(first.session.deltas.length).toBeGreaterThan(0), { timeout: 20_000 })
    first.session.stop()
    expect(await first.end).toEqual({ kind: 'stopped' })

    await using second = await startCodex({
      script: [{ reply: [{ text: 'Whole.' }] }],
      session: { resume: { agentSessionId: ofType(first, 'start')[0]?.agentSessionId ?? '' } },
      after: first,
    })
    expect(await second.end).toMatchObject({ kind: 'complete', summary: 'Whole.' })
  })

  it(
    'while a tool runs closes the tool use, and leaves no process and nothing in the repository',
    shows('codex-cli', 'interrupt'),
    async () => {
      await using codex = await startCodex({
        script: [
          {
            reply: [
              {
                tool: 'exec_command',
                input: { cmd: 'touch a; (setsid sleep 300 &); sleep 300', yield_time_ms: 30_000 },
              },
            ],
          },
        ],
        session: { permissionMode: 'accept_edits' },
      })
      await vi.waitFor(() => expect(readdirSync(codex.workDir)).toContain('a'), { timeout: 20_000 })
      // The command may be quicker than the word of it.
      await vi.waitFor(() => expect(ofType(codex, 'toolUse')).toHaveLength(1), { timeout: 20_000 })
      const pids = codex.session.descendants()
      expect(pids.length).toBeGreaterThan(1)
      codex.session.stop()
      expect(await codex.end).toEqual({ kind: 'stopped' })
      expect(ofType(codex, 'toolResult')).toMatchObject([{ toolName: 'shell', success: false }])
      await vi.waitFor(() => expect(pids.filter(isRunning)).toEqual([]), { timeout: 10_000 })
      expect(readdirSync(codex.workDir).toSorted()).toEqual(['.git', 'a'])
    },
  )

  it('while a person is asked takes the question back', async () => {
    await using codex = await startCodex({
      script: [{ reply: [{ tool: 'exec_command', input: { cmd: 'touch a' } }] }],
      answer: () => new Promise(() => {}),
    })
    await vi.waitFor(() => expect(codex.session.asked).toHaveLength(1), { timeout: 20_000 })
    codex.session.stop()
    expect(await codex.end).toEqual({ kind: 'stopped' })
    expect(codex.session.asked).toMatchObject([{ withdrawn: true }])
    expect(readdirSync(codex.workDir)).toEqual(['.git'])
  })

  it('while the service does not answer is not held up by it', async () => {
    await using codex = await startCodex({ script: [{ gate: 'hang', hang: 'headers' }] })
    await codex.server.reached('hang')
    codex.session.stop()
    expect(await codex.end).toEqual({ kind: 'stopped' })
  })

  it('before it has begun starts nothing', async () => {
    await using codex = await startCodex({ script: [] })
    codex.session.stop()
    expect(await codex.end).toEqual({ kind: 'stopped' })
  })
})
