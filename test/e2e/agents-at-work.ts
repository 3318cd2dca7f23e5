/** What tests of the whole program look at: the processes of an agent, and what its log says. */
import { join } from 'node:path'
import { sleep } from '../../core/base/waiting.ts'
import type { Message } from '../../core/contract/messages.ts'
import type { AgentSession, UnitTask } from '../../core/contract/records.ts'
import { claudeCode } from '../helpers/agent-programs.ts'
import { processesWith } from '../helpers/processes.ts'
import type { Troupe } from '../helpers/troupe.ts'

export const isAtRest = ({ status }: UnitTask): boolean => status !== 'queued' && status !== 'in_progress'

/** What every process of the task has in its environment. */
export const markerOf = ({ id }: { id: string }): string => `TROUPE_TASK_ID=${id}`

/** Of a line of `processesWith`. */
export const pidOf = (line: string): number => Number(line.split(' ')[0])

/** Process ids of the task's programs whose command lines hold `part`. */
export const pidsOf = (task: { id: string }, part: string): number[] =>
  processesWith(markerOf(task))
    .filter((line) => line.includes(part))
    .map(pidOf)

/** The same, without children that have not become their own programs yet. */
export async function lastingPidsOf(task: { id: string }, part: string): Promise<number[]> {
  let lasting = pidsOf(task, part)
  for (let looks = 0; looks < 3; looks += 1) {
    await sleep(100)
    const now = pidsOf(task, part)
    lasting = lasting.filter((pid) => now.includes(pid))
  }
  return lasting
}

export const logOf = async (troupe: Troupe, sessionId: string): Promise<Message[]> =>
  (await troupe.client.call('getExecutionLogs', { sessionId, limit: 1000 })).messages

/** The lines that the agent has said, in the order of the log. */
export const linesOf = (log: readonly Message[]): string[] =>
  log.flatMap((message) => (message.type === 'text' ? message.content.split('\n') : []))

export const sessionsOf = async (troupe: Troupe, task: { agentTaskId: string }): Promise<AgentSession[]> =>
  (await troupe.client.call('getAgentTask', { id: task.agentTaskId })).agentTask.sessions

/** Configures the real Claude Code, with the model at `url`. */
export async function useClaude(troupe: Troupe, url: string): Promise<void> {
  const program = await claudeCode()
  troupe.configure(`
[agents.claude-code]
program = ${JSON.stringify(program)}
permission_mode = "full"
env = { ANTHROPIC_BASE_URL = ${JSON.stringify(url)}, CLAUDE_CONFIG_DIR = ${JSON.stringify(join(troupe.home, 'claude'))} }
`)
  troupe.env['ANTHROPIC_API_KEY'] = 'sk-ant-fake-key-of-the-tests'
}
