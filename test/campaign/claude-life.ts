/** A life with the real Claude Code, whose model follows a script that has no memory: any host may go on with it. */
import { join } from 'node:path'
import type { Scripts } from '../../fixtures/model-server/script.ts'
import type { UnitTask } from '../../core/contract/records.ts'
import type { Client } from '../../core/rpc/client/index.ts'
import { claudeCode } from '../helpers/agent-programs.ts'
import { TaskLife } from './lives.ts'
import type { World } from './world.ts'

const WRITE = 'echo two-ok | tee "$(basename "$(dirname "$PWD")")"'
const bash = (command: string) => ({ tool: 'Bash', input: { command, description: 'Count' } })

/** Each turn follows from what was heard last. The file is named after the task, so that merges do not meet. */
export const claudeScripts: Scripts = {
  count: {
    match: /Count to three/,
    turns: [
      { when: { toolResult: /one-ok/ }, times: 'always', reply: [{ text: 'Step 2' }, bash(WRITE)] },
      { when: { toolResult: /two-ok/ }, times: 'always', reply: [{ text: 'Step 3' }] },
      { when: { lastUserText: /interrupted/ }, times: 'always', reply: [{ text: 'Again' }, bash('echo one-ok')] },
      { times: 'always', reply: [{ text: 'Step 1' }, bash('sleep 0.5; echo one-ok')] },
    ],
  },
}

/** Makes the world's agent the real program, with the scripted model behind it. */
export async function useClaude(world: World, url: string): Promise<void> {
  const program = JSON.stringify(await claudeCode())
  const folder = JSON.stringify(join(world.lab.folder, 'claude'))
  world.configure(`[agents.claude-code]
program = ${program}
permission_mode = "full"
env = { ANTHROPIC_BASE_URL = ${JSON.stringify(url)}, CLAUDE_CONFIG_DIR = ${folder} }`)
  world.env['ANTHROPIC_API_KEY'] = 'sk-ant-fake-key-of-the-tests'
}

export class ClaudeLife extends TaskLife {
  protected override readonly agent = 'claude-code'

  constructor(world: World, name: string) {
    super(world, `The life of Claude ${name}`, 'Count to three.')
  }

  protected async next(client: Client, task: UnitTask): Promise<boolean> {
    const { id, status, error } = task
    if (status === 'in_review') await client.call('approveUnitTask', { id })
    else if (status === 'approved') await client.call('commitTask', { id })
    else if (status === 'failed' && error?.code === 'SESSION_LOST') await client.call('retryUnitTask', { id })
    else if (status !== 'queued' && status !== 'in_progress' && status !== 'done') this.unexpected(task)
    return status === 'done'
  }
}
