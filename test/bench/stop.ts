/** What is left of an agent a second after it was stopped in the middle of a tool call: processes, counted. */
import { startModelServer } from '../../fixtures/model-server/server.ts'
import type { Script } from '../../fixtures/model-server/script.ts'
import { sleep } from '../../core/base/waiting.ts'
import type { UnitTask } from '../../core/contract/records.ts'
import { processesWith } from '../helpers/processes.ts'
import { claudeSetup, giveClaude } from './runner/claude.ts'
import { openBenchHost, type BenchHost } from './runner/host.ts'
import { NONE, type Row } from './runner/row.ts'

const AFTER_MS = 1_000
const BOUND_MS = 60_000
const SLEEPERS = 3
/** In a session of its own, forked twice, and plainly. */
const COMMAND = 'setsid sleep 4242 & (sleep 4242 &) ; sleep 4242'
const TOOL_CALL: Script = {
  match: '',
  turns: [{ reply: [{ text: 'At work.' }, { tool: 'Bash', input: { command: COMMAND } }], times: 'always' }],
}

export async function benchStop(): Promise<Row[]> {
  await using server = await startModelServer({ scripts: { tool: TOOL_CALL } })
  await using host = await openBenchHost()
  host.troupe.configure(giveClaude(host.troupe, await claudeSetup(server.url)))
  await host.troupe.stop()
  await host.troupe.start()
  const stopped = await countLeft(host, (task) => host.troupe.client.call('stopTaskExecution', { id: task.id }))
  const ended = await countLeft(host, () => host.troupe.stop())
  const how = (what: string): string =>
    `${what} while Claude Code runs a tool call with a process in a session of its own, one forked twice and one in the foreground; counted by their environment`
  return [
    {
      name: 'processes left 1 s after a task was stopped',
      unit: 'processes',
      value: stopped,
      ...NONE,
      how: how('stopped'),
    },
    {
      name: 'processes left 1 s after its host ended',
      unit: 'processes',
      value: ended,
      ...NONE,
      how: how('SIGTERM to the host'),
    },
  ]
}

async function countLeft(host: BenchHost, stop: (task: UnitTask) => Promise<unknown>): Promise<number> {
  const { client } = host.troupe
  const { repository } = await client.call('addRepository', { path: host.repository.path })
  const params = { repositoryId: repository.id, agent: 'claude-code', prompt: 'Work.', start: true }
  const { task } = await client.call('createUnitTask', params)
  const marker = `TROUPE_TASK_ID=${task.id}`
  await untilTrue(() => processesWith(marker).filter((line) => line.includes('sleep 4242')).length >= SLEEPERS)
  await stop(task)
  await sleep(AFTER_MS)
  return processesWith(marker).length
}

async function untilTrue(holds: () => boolean): Promise<void> {
  for (let waited = 0; waited < BOUND_MS; waited += 50) {
    if (holds()) return
    await sleep(50)
  }
  throw new Error('The tool call did not begin.')
}
