/** Two real agents at once; one is stopped while a tool of it runs. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startModelServer } from '../../fixtures/model-server/server.ts'
import { claudeCode, claudeCodeProbe } from '../helpers/agent-programs.ts'
import { processesWith } from '../helpers/processes.ts'
import { requires } from '../helpers/requirement.ts'
import { openTroupe } from '../helpers/troupe.ts'

const describeWithClaude = await requires('Claude Code', claudeCodeProbe)

describeWithClaude('two tasks at once', () => {
  test('one stopped in the middle of a tool call leaves no process, the other ends well', async () => {
    await using server = await startModelServer({
      scripts: {
        sleeper: {
          match: /run the long command/,
          turns: [
            {
              reply: [
                {
                  tool: 'Bash',
                  input: { command: 'setsid sleep 600 & sleep 600', description: 'waits', timeout: 600_000 },
                },
              ],
            },
          ],
        },
        other: { match: /just say hello/, turns: [{ gate: 'later', reply: [{ text: 'hello' }] }] },
      },
    })
    await using troupe = await openTroupe()
    const program = await claudeCode()
    troupe.configure(`
[agents.claude-code]
program = ${JSON.stringify(program)}
permission_mode = "full"
env = { ANTHROPIC_BASE_URL = ${JSON.stringify(server.url)}, CLAUDE_CONFIG_DIR = ${JSON.stringify(join(troupe.home, 'claude'))} }
`)
    troupe.env['ANTHROPIC_API_KEY'] = 'sk-ant-fake-key-of-the-tests'
    const repository = await troupe.lab.repository('two words')
    await troupe.start()
    const sleeper = await troupe.addTask(repository, { prompt: 'Please run the long command.', agent: 'claude-code' })
    const other = await troupe.addTask(repository, { prompt: 'Please just say hello.', agent: 'claude-code' })
    const marker = `TROUPE_TASK_ID=${sleeper.id}`
    await expect
      .poll(() => processesWith(marker).filter((line) => line.includes('sleep 600')).length)
      .toBeGreaterThan(1)

    const stopped = await troupe.client.call('stopTaskExecution', { id: sleeper.id })
    expect(stopped.task.status).toBe('stopped')
    expect(processesWith(marker)).toEqual([])

    server.open('later')
    expect(await troupe.until(other.id, (task) => task.status !== 'in_progress')).toMatchObject({ status: 'in_review' })
    expect(processesWith(`TROUPE_TASK_ID=${other.id}`)).toEqual([])
    // The worktree of a stopped task stays, and it can go on.
    await troupe.client.call('getTaskDiff', { id: sleeper.id })
    expect((await troupe.client.call('listUnitTasks', {})).tasks).toHaveLength(2)
  })
})
