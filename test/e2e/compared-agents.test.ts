/** Claude Code and Codex at one prompt, compared, one of them chosen. */
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startModelServer } from '../../fixtures/model-server/server.ts'
import { agentProbe, agentProgram, claudeCodeProbe } from '../helpers/agent-programs.ts'
import { processesWith } from '../helpers/processes.ts'
import { requires } from '../helpers/requirement.ts'
import { openTroupe, type Troupe } from '../helpers/troupe.ts'

const describeWithBoth = await requires(
  'Claude Code and Codex CLI',
  async () => (await claudeCodeProbe()) ?? (await agentProbe('codex-cli')()),
)

const PATCH = '*** Begin Patch\n*** Add File: greeting.txt\n+Hello!\n+How are you?\n*** End Patch\n'

/** Codex has a model at its address as it has it in the tests of its plugin. */
const codexArguments = (url: string): string[] =>
  [
    `model_providers.openai-api-key.base_url="${url}/v1"`,
    `openai_base_url="${url}/v1"`,
    'otel.metrics_exporter="none"',
    'features.plugins=false',
    'features.apps=false',
  ].flatMap((value) => ['-c', value])

async function configure(troupe: Troupe, urls: { claude: string; codex: string }): Promise<void> {
  const text = JSON.stringify
  troupe.configure(`
[agents.claude-code]
program = ${text(await agentProgram('claude-code'))}
env = { ANTHROPIC_BASE_URL = ${text(urls.claude)}, CLAUDE_CONFIG_DIR = ${text(join(troupe.home, 'claude'))} }
[agents.codex-cli]
program = ${text(await agentProgram('codex-cli'))}
model = "gpt-5.5"
args = ${text(codexArguments(urls.codex))}
`)
  Object.assign(troupe.env, { ANTHROPIC_API_KEY: 'sk-ant-fake-key-of-the-tests', CODEX_API_KEY: 'sk-fake' })
}

describeWithBoth('two agents at one prompt', () => {
  test('are shown side by side with what each changed, used and cost, and one is chosen', async () => {
    await using claude = await startModelServer({
      script: [
        { reply: [{ text: 'I greet.' }, { tool: 'Write', input: { file_path: 'greeting.txt', content: 'Hello!\n' } }] },
        { reply: [{ text: 'Claude has greeted.' }] },
      ],
    })
    await using codex = await startModelServer({
      script: [
        { reply: [{ tool: 'apply_patch', input: PATCH }] },
        { reply: [{ text: 'Codex has greeted.' }], usage: { input: 20, output: 7 } },
      ],
    })
    await using troupe = await openTroupe()
    await configure(troupe, { claude: claude.url, codex: codex.url })
    const repository = await troupe.lab.repository()
    const agents = ['--agent', 'claude-code', '--agent', 'codex-cli']
    const { code, stdout, stderr } = await troupe.run(['run', 'Write a greeting.', ...agents], { cwd: repository.path })
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^claude-code │ Claude has greeted\.$/m)
    expect(stdout).toMatch(/^codex-cli +│ Codex has greeted\.$/m)
    expect(stdout).toMatch(/claude-code +in_review +1 file \+1 -0 +\S+ in, \S+ out +\$\d+\.\d+ +\d/)
    expect(stdout).toMatch(/codex-cli +in_review +1 file \+2 -0 +\S+ in, \S+ out +- +\d/)

    const [, id = ''] = /troupe task choose (\w{8}) +take codex-cli/.exec(stdout) ?? []
    expect((await troupe.run(['task', 'choose', id])).code).toBe(0)
    expect((await troupe.run(['task', 'commit', id])).code).toBe(0)
    expect(await repository.git('show', 'main:greeting.txt')).toBe('Hello!\nHow are you?')
    const { tasks } = JSON.parse((await troupe.run(['task', 'ls', '--json'])).stdout) as { tasks: { id: string }[] }
    expect(tasks.flatMap((task) => processesWith(`TROUPE_TASK_ID=${task.id}`))).toEqual([])
  })
})
