/** `troupe task ls`, `show`, `rm`. */
import { type Command, InvalidArgumentError } from 'commander'
import type { UnitTask } from '../../../../core/contract/records.ts'
import { type TaskStatus, taskStatus } from '../../../../core/contract/statuses.ts'
import type { Client } from '../../../../core/rpc/client/index.ts'
import { type Run, addCommand, wholeNumber } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { shortId } from '../../render/format.ts'
import { nextStepLines, nextSteps } from '../../render/next-steps.ts'
import { plainLine } from '../../render/sanitize.ts'
import { taskLines, taskTable } from '../../render/task.ts'
import { findTask } from '../../task-reference.ts'

interface ListOptions {
  readonly status?: TaskStatus[]
  readonly search?: string
  readonly limit: number
}

export function addListCommands(group: Command, run: Run): void {
  addList(group, run)
  addShow(group, run)
}

function addList(group: Command, run: Run): void {
  const command = addCommand(group, 'ls', {
    summary: 'List tasks, newest first',
    examples: ['troupe task ls', 'troupe task ls --status in_review,failed --json'],
  })
    .option('--status <status,...>', `only these: ${taskStatus.options.join(', ')}`, statuses)
    .option('--search <text>', 'only with this text in title or prompt')
    .option('--limit <number>', 'at most so many', wholeNumber(1, 500), 50)
    .action((options: ListOptions) =>
      run(command, async (context) => {
        await using connection = await context.connect()
        const { status, search, limit } = options
        const result = await connection.client.call(
          'listUnitTasks',
          { status, search, limit },
          { signal: context.signal },
        )
        context.output.result(result, () =>
          result.tasks.length === 0
            ? [status || search ? 'No task fits.' : 'There are no tasks yet. Begin with: troupe run "..."']
            : [
                ...taskTable(result.tasks, context.output.style),
                ...(result.nextCursor === undefined ? [] : [`There are more: --limit ${Math.min(limit * 4, 500)}`]),
              ],
        )
        return EXIT.done
      }),
    )
}

function statuses(text: string): TaskStatus[] {
  return text.split(',').map((part) => {
    const wanted = part.trim().replaceAll('-', '_')
    const found = taskStatus.options.find((status) => status === wanted)
    if (!found) throw new InvalidArgumentError(`"${part}" is none of ${taskStatus.options.join(', ')}.`)
    return found
  })
}

function addShow(group: Command, run: Run): void {
  const command = addCommand(group, 'show <task>', {
    summary: 'Show one task and what can be done with it',
    examples: ['troupe task show 1a2b3c4d'],
  }).action((reference: string) =>
    run(command, async (context) => {
      await using connection = await context.connect()
      const task = await findTask(connection.client, reference, context.signal)
      const others = await attemptsBeside(connection.client, task, context.signal)
      const { style } = context.output
      context.output.result({ task, ...(others.length > 0 && { others }) }, () => [
        ...taskLines(task, style, others),
        '',
        ...nextStepLines(nextSteps(task), style),
      ])
      return EXIT.done
    }),
  )
}

/** The other attempts at its prompt. */
async function attemptsBeside(
  client: Client,
  { id, comparisonId }: UnitTask,
  signal: AbortSignal,
): Promise<readonly UnitTask[]> {
  if (comparisonId === undefined) return []
  const { tasks } = await client.call('listUnitTasks', { comparisonId }, { signal })
  return tasks.filter((task) => task.id !== id).toReversed()
}

export function addRemoveCommand(group: Command, run: Run): void {
  const command = addCommand(group, 'rm <task>', {
    summary: 'Remove a task that is not at work, with its worktree and log',
    details: 'Work that is not committed is saved first, to refs/troupe/saved/<session> of the repository.',
    examples: ['troupe task rm 1a2b3c4d'],
  }).action((reference: string) =>
    run(command, async (context) => {
      await using connection = await context.connect()
      const task = await findTask(connection.client, reference, context.signal)
      const result = await connection.client.call('deleteUnitTask', { id: task.id }, { signal: context.signal })
      context.output.result(result, () => [`${shortId(task.id)} is removed: ${plainLine(task.title)}`])
      return EXIT.done
    }),
  )
}
