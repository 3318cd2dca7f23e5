/** What goes wrong between OpenCode, its service and this machine, and stopping. */
import { readFileSync, readdirSync } from 'node:fs'
import { expect, it, vi } from 'vitest'
import { shows } from '../../helpers/abilities.ts'
import { agentProbe } from '../../helpers/agent-programs.ts'
import { requires } from '../../helpers/requirement.ts'
import { bash, ofType, startOpenCode } from './opencode.ts'

const describeWithOpenCode = await requires('OpenCode', agentProbe('opencode'))

/** A zombie is a process that has ended. */
function isRunning(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describeWithOpenCode('OpenCode', () => {
  it(
    'that is stopped while a command runs closes it, and leaves no process and nothing in the repository',
    shows('opencode', 'interrupt'),
    async () => {
      await using agent = await startOpenCode({
        script: [{ reply: [bash('touch a; (setsid sleep 300 &); sleep 300')] }],
        session: { permissionMode: 'full' },
      })
      await vi.waitFor(() => expect(readdirSync(agent.workDir)).toContain('a'), { timeout: 30_000 })
      const pids = agent.session.descendants()
      agent.session.stop()
      expect(await agent.end).toEqual({ kind: 'stopped' })
      expect(ofType(agent, 'toolResult')).toMatchObject([{ toolName: 'bash', success: false }])
      await vi.waitFor(() => expect(pids.filter(isRunning)).toEqual([]), { timeout: 10_000 })
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
