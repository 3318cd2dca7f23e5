/** The real Codex under the real host: killed in the middle of its work, and asked for changes. */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startModelServer } from '../../../fixtures/model-server/server.ts'
import { isAtRest, linesOf, logOf, markerOf, pidsOf, sessionsOf } from '../../e2e/agents-at-work.ts'
import { agentProbe, agentProgram } from '../../helpers/agent-programs.ts'
import { processesWith } from '../../helpers/processes.ts'
import { requires } from '../../helpers/requirement.ts'
import { type Troupe, openTroupe } from '../../helpers/troupe.ts'

const describeWithCodex = await requires('Codex CLI', agentProbe('codex-cli'))

/** Configures the real Codex, with the model at `url`; the user has trusted `repository` once. */
async function useCodex(troupe: Troupe, url: string, repository: string): Promise<void> {
  const settings = [
    `model_providers.openai-api-key.base_url="${url}/v1"`,
    'features.plugins=false',
    'features.apps=false',
  ]
  troupe.configure(`
[agents.codex-cli]
program = ${JSON.stringify(await agentProgram('codex-cli'))}
permission_mode = "full"
model = "gpt-5.5"
args = ${JSON.stringify(settings.flatMap((setting) => ['-c', setting]))}
env = { CODEX_HOME = ${JSON.stringify(join(troupe.home, 'codex'))} }
`)
  mkdirSync(join(troupe.home, 'codex'))
  writeFileSync(
    join(troupe.home, 'codex/config.toml'),
    `[projects.${JSON.stringify(repository)}]\ntrust_level = "trusted"\n`,
  )
  troupe.env['CODEX_API_KEY'] = 'sk-fake-key-of-the-tests'
}

describeWithCodex('Codex under a host', () => {
  test('outlives it while a tool runs, leaves nothing behind, and goes on when changes are wanted', async () => {
    const command = 'echo begun; until test -e go; do sleep 0.05; done; rm go; echo the tool is done'
    await using server = await startModelServer({
      script: [
        { reply: [{ text: 'First.' }, { tool: 'exec_command', input: { cmd: command, yield_time_ms: 30_000 } }] },
        { when: { toolResult: /the tool is done/ }, reply: [{ text: 'I saw it.' }] },
        { when: { lastUserText: /louder/ }, reply: [{ text: 'LOUDER.' }] },
      ],
    })
    await using troupe = await openTroupe()
    const repository = await troupe.lab.repository()
    await useCodex(troupe, server.url, repository.path)
    const planted = join(troupe.home, 'planted')
    await repository.commit({
      '.codex/config.toml': `[mcp_servers.planted]\ncommand = "touch"\nargs = [${JSON.stringify(planted)}]\n`,
    })
    await troupe.start()
    const { id } = await troupe.addTask(repository, { prompt: 'Please do it.', agent: 'codex-cli' })
    const task = await troupe.until(id, ({ worktreePath }) => worktreePath !== undefined)
    await expect.poll(() => pidsOf(task, 'test -e go').length).toBeGreaterThan(0)
    const codex = () => pidsOf(task, 'codex app-server')
    const before = codex()
    await troupe.stop('SIGKILL')
    await troupe.start()
    expect([before.length, codex()]).toEqual([1, before])
    writeFileSync(join(task.worktreePath!, 'go'), '')
    expect(await troupe.until(task.id, isAtRest)).toMatchObject({ status: 'in_review', sessionId: task.sessionId })
    const log = await logOf(troupe, task.sessionId!)
    expect(linesOf(log)).toEqual(['First.', 'I saw it.'])
    expect(log.at(-1)).toMatchObject({ type: 'complete', success: true })
    expect(processesWith(markerOf(task))).toEqual([])

    await troupe.client.call('requestChanges', { id: task.id, prompt: 'Make it louder.' })
    const after = await troupe.until(task.id, (now) => isAtRest(now) && now.sessionId !== task.sessionId)
    expect(linesOf(await logOf(troupe, after.sessionId!))).toEqual(['LOUDER.'])
    const sessions = await sessionsOf(troupe, task)
    expect(new Set(sessions.map(({ agentSessionId }) => agentSessionId)).size).toBe(1)
    expect(readdirSync(troupe.home)).not.toContain('planted')
  })
})
