/** What goes wrong between OpenCode, its service and this machine, and stopping. */
import { readdirSync } from 'node:fs'
import { expect, it } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { isRunning } from '../../helpers/processes.ts'
import { requires } from '../../helpers/requirement.ts'
import { bash, ofType, startOpenCode } from './opencode.ts'

const describeWithOpenCode = await requires('OpenCode', agentProbe('opencode'))

describeWithOpenCode('OpenCode', () => {
  it(
    'that is stopped while a command runs closes it, and leaves no process and nothing in the repository',
    shows('opencode', 'interrupt'),
    async () => {
      await using agent = await startOpenCode({
        script: [{ reply: [bash('touch a; (setsid sleep 300 &); sleep 300')] }],
        session: { permissionMode: 'full' },
      })
      await expect.poll(() => readdirSync(agent.workDir)).toContain('a')
      // The command may be quicker than the word of it.
      await expect.poll(() => ofType(agent, 'toolUse')).toHaveLength(1)
      const pids = agent.session.descendants()
      agent.session.stop()
      expect(await agent.end).toEqual({ kind: 'stopped' })
      expect(ofType(agent, 'toolResult')).toMatchObject([{ toolName: 'bash', success: false }])
      await expect.poll(() => pids.filter(isRunning)).toEqual([])
      expect(readdirSync(agent.workDir)).toEqual(['a'])
    },
  )

  it('tells that its quota is used up and when it tries again, and goes on', shows('opencode', 'quota'), async () => {
    await using agent = await startOpenCode({
      script: [{ status: 429, body: 'Slow down.', headers: { 'retry-after': '1' } }, { reply: [{ text: 'Done.' }] }],
    })
    expect(await agent.end).toMatchObject({ kind: 'complete', summary: 'Done.' })
    expect(ofType(agent, 'error')).toMatchObject([
      {
        code: 'AGENT_QUOTA',
        retryable: true,
        resetsAt: expect.any(String),
        message: expect.stringContaining('Slow down.'),
      },
    ])
  })

  it('whose service refuses it ends with what was refused', async () => {
    await using odd = await startOpenCode({ script: [{ status: 400, body: 'Too odd.', times: 'always' }] })
    expect(await odd.end).toMatchObject({
      code: 'AGENT_API',
      retryable: false,
      message: expect.stringContaining('Too odd.'),
    })
  })

  it('that is to resume an unknown conversation, or is not there, says what to do', async () => {
    await using lost = await startOpenCode({ script: [], session: { resume: { agentSessionId: 'ses_unknown' } } })
    expect(await lost.end).toMatchObject({
      code: 'AGENT_FAILED',
      message: expect.stringContaining('Start the task again'),
    })
    await using missing = await startOpenCode({ script: [], session: { settings: { program: '/nowhere/opencode' } } })
    expect(await missing.end).toMatchObject({
      code: 'AGENT_NOT_INSTALLED',
      message: expect.stringMatching(/nowhere.*npm install/s),
    })
  })
})
