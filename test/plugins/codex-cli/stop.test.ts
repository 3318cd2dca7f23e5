/** Stopping, in every state that Codex can be in. */
import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { isRunning } from '../../helpers/processes.ts'
import { requires } from '../../helpers/requirement.ts'
import { ofType, startCodex } from './codex.ts'

const describeWithCodex = await requires('Codex CLI', agentProbe('codex-cli'))

describeWithCodex('stopping Codex', () => {
  it('while the model replies keeps the conversation', async () => {
    await using first = await startCodex({
      script: [{ reply: [{ text: 'Half a' }, { text: ' thought' }], hang: 'middle' }],
    })
    await expect.poll(() => first.session.deltas.length).toBeGreaterThan(0)
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
      await expect.poll(() => readdirSync(codex.workDir)).toContain('a')
      // The command may be quicker than the word of it.
      await expect.poll(() => ofType(codex, 'toolUse')).toHaveLength(1)
      const pids = codex.session.descendants()
      expect(pids.length).toBeGreaterThan(1)
      codex.session.stop()
      expect(await codex.end).toEqual({ kind: 'stopped' })
      expect(ofType(codex, 'toolResult')).toMatchObject([{ toolName: 'shell', success: false }])
      await expect.poll(() => pids.filter(isRunning)).toEqual([])
      expect(readdirSync(codex.workDir).toSorted()).toEqual(['.git', 'a'])
    },
  )

  it('while a person is asked takes the question back', async () => {
    await using codex = await startCodex({
      script: [{ reply: [{ tool: 'exec_command', input: { cmd: 'touch a' } }] }],
      answer: () => new Promise(() => {}),
    })
    await expect.poll(() => codex.session.asked).toHaveLength(1)
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
