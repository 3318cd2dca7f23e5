/** `troupe task logs`: what the agent said and did. */
import { type Command, Option } from 'commander'
import type { UnitTask } from '../../../../core/contract/records.ts'
import type { Client } from '../../../../core/rpc/client/index.ts'
import { type Run, addCommand, wholeNumber } from '../../command.ts'
import type { CommandContext } from '../../context.ts'
import { EXIT, type ExitCode } from '../../exit-codes.ts'
import { isResting } from '../../follow/follow-task.ts'
import { watchTask, workingConnection } from '../../follow/watch.ts'
import { shortId } from '../../render/format.ts'
import { makeLogRenderer } from '../../render/log.ts'
import { plainLine } from '../../render/sanitize.ts'
import { findTask } from '../../task-reference.ts'
import { searchLogs } from './search-logs.ts'

interface LogsOptions {
  readonly follow?: true
  readonly all?: true
  readonly last?: number
  readonly exitOnQuestion?: true
  readonly search?: string
  readonly grep?: string
}

const PAGE = 500

export function addLogsCommand(group: Command, run: Run): void {
  const command = addCommand(group, 'logs <task>', {
    summary: 'Show the log of a task: of its newest session, or of all',
    details: 'With -f it goes on until the task rests; questions are asked here, and Ctrl-C asks what to do.',
    examples: [
      'troupe task logs 1a2b3c4d',
      'troupe task logs -f 1a2b3c4d',
      'troupe task logs 1a2b3c4d --last 20 --json',
      'troupe task logs 1a2b3c4d --all --search "out of memory"',
    ],
  })
    .option('-f, --follow', 'go on while the agent works')
    .option('--all', 'the logs of all sessions, oldest first')
    .option('--last <messages>', 'only the last ones of each session', wholeNumber(0, 1_000_000))
    .option('--search <text>', 'only what holds this text, whatever its case')
    .addOption(new Option('--grep <text>', 'the same as --search').hideHelp())
    .option('--exit-on-question', 'with -f, where nobody can answer: leave with code 3')
    .action((reference: string, options: LogsOptions) =>
      run(command, async (context) => {
        const watched = { follow: true, ...(options.exitOnQuestion && { exitOnQuestion: true as const }) }
        await using connection = await context.connect(options.follow ? workingConnection(watched) : {})
        const { client } = connection
        const task = await findTask(client, reference, context.signal)
        const text = options.search ?? options.grep
        if (text !== undefined)
          return await searchLogs(context, client, { sessionIds: await sessionsOf(client, task, options), text })
        if (!options.follow || isResting(task)) return await printLogs(context, client, task, options)
        const after = await cursor(client, task, options.last)
        return await watchTask(context, connection, watched, {
          taskId: task.id,
          onInterrupt: 'leave',
          ...(after && { after }),
        })
      }),
    )
}

async function printLogs(
  context: CommandContext,
  client: Client,
  task: UnitTask,
  options: LogsOptions,
): Promise<ExitCode> {
  const sessions = await sessionsOf(client, task, options)
  if (sessions.length === 0) context.output.notice(`${shortId(task.id)} (${plainLine(task.title)}) has not run yet.`)
  for (const sessionId of sessions)
    await printSession(context, client, sessionId, await firstSeq(client, sessionId, options.last))
  return EXIT.done
}

/** The newest, or all of them, oldest first. */
async function sessionsOf(client: Client, task: UnitTask, { all }: LogsOptions): Promise<string[]> {
  if (all) return await allSessions(client, task)
  return task.sessionId === undefined ? [] : [task.sessionId]
}

const allSessions = async (client: Client, { agentTaskId }: UnitTask): Promise<string[]> =>
  (await client.call('getAgentTask', { id: agentTaskId })).agentTask.sessions
    .toSorted((a, b) => a.createdAt.localeCompare(b.createdAt))
    .map(({ id }) => id)

async function printSession(
  { output, signal }: CommandContext,
  client: Client,
  sessionId: string,
  from: number,
): Promise<void> {
  const renderer = makeLogRenderer(output.style)
  for (let after = from; ;) {
    const { messages } = await client.call('getExecutionLogs', { sessionId, after, limit: PAGE }, { signal })
    const last = messages.at(-1)
    if (!last) break
    if (output.json) messages.forEach((message) => output.record(message))
    else output.lines(messages.flatMap((message) => renderer.lines(message)))
    await output.drained(signal)
    after = last.seq
  }
  output.lines(renderer.finish())
}

/** After which message to begin, so that `last` are left. */
async function firstSeq(client: Client, sessionId: string, last: number | undefined): Promise<number> {
  if (last === undefined) return 0
  const { session } = await client.call('getAgentSession', { id: sessionId })
  return Math.max(0, session.lastSeq - last)
}

async function cursor(
  client: Client,
  { sessionId }: UnitTask,
  last: number | undefined,
): Promise<{ sessionId: string; seq: number } | undefined> {
  return sessionId === undefined ? undefined : { sessionId, seq: await firstSeq(client, sessionId, last) }
}
