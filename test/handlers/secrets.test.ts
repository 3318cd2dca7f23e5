/** A secret that the agent says aloud is nowhere in the database or the logs of the host (L7). */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startModelServer } from '../../fixtures/model-server/server.ts'
import { claudeCode, claudeCodeProbe } from '../helpers/agent-programs.ts'
import { requires } from '../helpers/requirement.ts'
import { openTroupe } from '../helpers/troupe.ts'

const KEY = 'sk-ant-very-secret-0123456789'
const describeWithClaude = await requires('Claude Code', claudeCodeProbe)

function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(text))
}

describeWithClaude('secrets', () => {
  test('of an agent are masked in messages, questions and errors, wherever they are kept', async () => {
    await using server = await startModelServer({
      script: [
        {
          reply: [
            { text: `the key is ${KEY}` },
            {
              tool: 'Bash',
              input: { command: `curl -H 'x-api-key: ${KEY}' http://127.0.0.1:1`, description: 'calls' },
            },
          ],
        },
        { times: 'always', status: 400, body: `the key ${KEY} is not welcome` },
      ],
    })
    await using troupe = await openTroupe()
    troupe.configure(`
[agents.claude-code]
program = ${JSON.stringify(await claudeCode())}
env = { ANTHROPIC_BASE_URL = ${JSON.stringify(server.url)}, CLAUDE_CONFIG_DIR = ${JSON.stringify(join(troupe.lab.folder, 'claude'))} }
`)
    troupe.env['ANTHROPIC_API_KEY'] = KEY
    troupe.env['TROUPE_LOG_LEVEL'] = 'debug'
    await troupe.start()
    const repository = await troupe.lab.repository()
    const task = await troupe.addTask(repository, { prompt: 'x', agent: 'claude-code', permissionMode: 'ask' })
    await troupe.until(task.id, (now) => now.waitingFor === 'input')
    const { questions } = await troupe.client.call('listQuestions', { id: task.id })
    expect(questions[0]?.prompt).toContain('[secret ANTHROPIC_API_KEY]')
    await troupe.client.call('answerQuestion', { questionId: questions[0]!.id, answer: 'Deny' })
    const failed = await troupe.until(task.id, (now) => now.status === 'failed')
    expect(failed.error?.message).toContain('[secret ANTHROPIC_API_KEY]')
    await troupe.stop()
    expect(filesWith(troupe.home, KEY)).toEqual([])
  })
})
