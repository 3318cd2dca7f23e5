/** `troupe task approve`, `changes`, `reject`, `commit`. */
import type { Command } from 'commander'
import type { UnitTask } from '../../../../core/contract/records.ts'
import { type MergeStrategy, mergeStrategy } from '../../../../core/contract/statuses.ts'
import type { Client } from '../../../../core/rpc/client/index.ts'
import { type Run, addCommand, choice } from '../../command.ts'
import type { CommandContext } from '../../context.ts'
import { EXIT, type ExitCode } from '../../exit-codes.ts'
import { type WatchFlags, addWatchFlags, watchTask, workingConnection } from '../../follow/watch.ts'
import { shortId } from '../../render/format.ts'
import { nextStepLines, nextSteps } from '../../render/next-steps.ts'
import { plainLine } from '../../render/sanitize.ts'
import { taskHead } from '../../render/task.ts'
import { findTask } from '../../task-reference.ts'

export function addReviewCommands(group: Command, run: Run): void {
  addVerdict(group, run, {
    name: 'approve',
    method: 'approveUnitTask',
    summary: 'Say that the work is good; it can then be merged',
  })
  addChanges(group, run)
  addVerdict(group, run, {
    name: 'reject',
    method: 'rejectUnitTask',
    summary: 'Say that the work is not wanted; the branch stays',
  })
  addCommit(group, run)
}

interface Verdict {
  readonly name: string
  readonly method: 'approveUnitTask' | 'rejectUnitTask'
  readonly summary: string
}

function addVerdict(group: Command, run: Run, { name, method, summary }: Verdict): void {
  const command = addCommand(group, `${name} <task>`, { summary, examples: [`troupe task ${name} 1a2b3c4d`] }).action(
    (reference: string) =>
      run(command, (context) =>
        onTask(context, reference, async (client, { id }) => {
          const { task } = await client.call(method, { id }, { signal: context.signal })
          return { task, text: `${shortId(id)} is ${task.status}.` }
        }),
      ),
  )
}

function addChanges(group: Command, run: Run): void {
  const command = addCommand(group, 'changes <task> [prompt]', {
    summary: 'Send the work back with what to change, and watch it',
    details: "A new session resumes the agent's own conversation. Unresolved review comments are sent too.",
    examples: ['troupe task changes 1a2b3c4d "Also cover the empty list"', 'troupe task changes 1a2b3c4d --detach'],
  }).option('--no-comments', 'do not send the review comments')
  addWatchFlags(command).action(
    (reference: string, prompt: string | undefined, { comments, ...flags }: WatchFlags & { comments: boolean }) =>
      run(command, async (context) => {
        await using connection = await context.connect(workingConnection(flags))
        const { client } = connection
        const found = await findTask(client, reference, context.signal)
        const params = { id: found.id, prompt, includeComments: comments }
        const { task } = await client.call('requestChanges', params, { signal: context.signal })
        context.output.lines(taskHead(task, context.output.style))
        const seen = found.sessionId === undefined ? {} : { skipSession: found.sessionId }
        return await watchTask(context, connection, flags, { taskId: task.id, onInterrupt: 'stop', ...seen })
      }),
  )
}

function addCommit(group: Command, run: Run): void {
  const command = addCommand(group, 'commit <task>', {
    summary: 'Merge an approved task into its base branch; on any conflict nothing is changed',
    examples: ['troupe task commit 1a2b3c4d', 'troupe task commit 1a2b3c4d --strategy squash --message "Add --json"'],
  })
    .addOption(
      choice('--strategy <strategy>', 'how it comes into the base branch', mergeStrategy.options).default('merge'),
    )
    .option('--message <text>', 'the message of the commit')
    .action((reference: string, { strategy, message }: { strategy: MergeStrategy; message?: string }) =>
      run(command, (context) =>
        onTask(context, reference, async (client, { id }) => {
          const { task } = await client.call('commitTask', { id, strategy, message }, { signal: context.signal })
          return { task, text: mergedText(task) }
        }),
      ),
    )
}

function mergedText({ id, baseBranch, mergeCommit, error }: UnitTask): string {
  const merged = `${shortId(id)} is merged into ${plainLine(baseBranch)}${mergeCommit ? ` as ${mergeCommit.slice(0, 12)}` : ''}.`
  return error ? `${merged}\n${plainLine(error.message)}` : merged
}

/** Calls for one task and says what can be done next. */
async function onTask(
  context: CommandContext,
  reference: string,
  call: (client: Client, task: UnitTask) => Promise<{ task: UnitTask; text: string }>,
): Promise<ExitCode> {
  await using connection = await context.connect()
  const found = await findTask(connection.client, reference, context.signal)
  const { task, text } = await call(connection.client, found)
  const steps = nextStepLines(nextSteps(task), context.output.style)
  context.output.result({ task }, () => [text, ...(steps.length > 0 ? ['', ...steps] : [])])
  return EXIT.done
}
