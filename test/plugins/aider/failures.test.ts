/** What goes wrong between Aider, its service and this machine, and stopping. */
import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { isRunning } from '../../helpers/processes.ts'
import { requires } from '../../helpers/requirement.ts'
import { shell, startAider } from './aider.ts'

const describeWithAider = await requires('Aider', agentProbe('aider'))

describeWithAider('Aider', () => {
  it(
    'whose quota is used up says so while it tries again, and is stopped',
    shows('aider', 'quota', 'interrupt'),
    async () => {
      await using aider = await startAider({ script: [{ status: 429, body: 'Slow down.', times: 'always' }] })
      const error = await aider.session.heard(({ type }) => type === 'error')
      expect(error).toMatchObject({
        code: 'AGENT_QUOTA',
        retryable: true,
        message: expect.stringContaining('Slow down.'),
      })
      const pids = aider.session.descendants()
      aider.session.stop()
      expect(await aider.end).toEqual({ kind: 'stopped' })
      await expect.poll(() => pids.filter(isRunning)).toEqual([])
      expect(readdirSync(aider.workDir)).toEqual(['.git'])
    },
  )

  it('that is stopped while a command runs leaves no process', shows('aider', 'interrupt'), async () => {
    await using aider = await startAider({
      script: [{ reply: [{ text: `Wait.${shell('sleep 300')}` }] }],
      session: { permissionMode: 'full' },
    })
    await aider.session.heard(({ type }) => type === 'toolUse')
    const pids = aider.session.descendants()
    aider.session.stop()
    expect(await aider.end).toEqual({ kind: 'stopped' })
    await expect.poll(() => pids.filter(isRunning)).toEqual([])
    expect(aider.session.messages.filter(({ type }) => type === 'toolResult')).toHaveLength(1)
  })

  it('with a wrong key is not signed in, though its exit code is that of success', async () => {
    await using aider = await startAider({ script: [{ status: 401, body: 'invalid key', times: 'always' }] })
    expect(await aider.end).toMatchObject({
      code: 'AGENT_NOT_SIGNED_IN',
      message: expect.stringContaining('in the environment of Troupe'),
    })
  })

  it('that is to resume an unknown conversation, or is not there, says what to do', async () => {
    await using lost = await startAider({ script: [], session: { resume: { agentSessionId: 'unknown' } } })
    expect(await lost.end).toMatchObject({
      code: 'AGENT_FAILED',
      message: expect.stringContaining('Start the task again'),
    })
    await using missing = await startAider({ script: [], session: { settings: { program: '/nowhere/aider' } } })
    expect(await missing.end).toMatchObject({
      code: 'AGENT_NOT_INSTALLED',
      message: expect.stringMatching(/nowhere.*pipx install/s),
    })
  })
})
