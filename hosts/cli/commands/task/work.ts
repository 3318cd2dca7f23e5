/** `troupe task start`, `send`, `stop`, `retry`. */
import type { Command } from 'commander'
import { type Run, addCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { type WatchFlags, addWatchFlags, watchTask, workingConnection } from '../../follow/watch.ts'
import { shortId } from '../../render/format.ts'
import { nextStepLines, nextSteps } from '../../render/next-steps.ts'
import { taskHead } from '../../render/task.ts'
import { findTask } from '../../task-reference.ts'

export function addWorkCommands(group: Command, run: Run): void {
  addStart(group, run)
  addSend(group, run)
  addStop(group, run)
  addRetry(group, run)
}

function addStart(group: Command, run: Run): void {
  const command = addCommand(group, 'start <task>', {
    summary: 'Start a draft, which a program has made, and watch it',
    details: 'What `troupe run` makes is started by it.',
    examples: ['troupe task start 1a2b3c4d', 'troupe task start 1a2b3c4d --detach'],
  })
  addWatchFlags(command).action((reference: string, flags: WatchFlags) =>
    run(command, async (context) => {
      await using connection = await context.connect(workingConnection(flags))
      const { client } = connection
      const { id } = await findTask(client, reference, context.signal)
      const { task } = await client.call('startTaskExecution', { id }, { signal: context.signal })
      context.output.lines(taskHead(task, context.output.style))
      return await watchTask(context, connection, flags, { taskId: id, onInterrupt: 'stop' })
    }),
  )
}

function addSend(group: Command, run: Run): void {
  const command = addCommand(group, 'send <task> <message>', {
    summary: 'Say something more to an agent at work',
    examples: ['troupe task send 1a2b3c4d "Use the existing parser, please"'],
  }).action((reference: string, content: string) =>
    run(command, async (context) => {
      await using connection = await context.connect()
      const task = await findTask(connection.client, reference, context.signal)
      const result = await connection.client.call('sendMessage', { id: task.id, content }, { signal: context.signal })
      context.output.result(result, () => [`Sent. Watch it: troupe task logs -f ${shortId(task.id)}`])
      return EXIT.done
    }),
  )
}

function addStop(group: Command, run: Run): void {
  const command = addCommand(group, 'stop <task>', {
    summary: 'Stop a task; answers when its processes are gone, and keeps its worktree',
    examples: ['troupe task stop 1a2b3c4d'],
  }).action((reference: string) =>
    run(command, async (context) => {
      await using connection = await context.connect()
      const found = await findTask(connection.client, reference, context.signal)
      const result = await connection.client.call('stopTaskExecution', { id: found.id }, { signal: context.signal })
      const { style } = context.output
      context.output.result(result, () => [
        `${shortId(found.id)} is ${result.task.status}.`,
        '',
        ...nextStepLines(nextSteps(result.task), style),
      ])
      return EXIT.done
    }),
  )
}

function addRetry(group: Command, run: Run): void {
  const command = addCommand(group, 'retry <task>', {
    summary: 'Start a failed, stopped or rejected task again and watch it',
    details: "The agent's own conversation is resumed, so that it knows what it did.",
    examples: ['troupe task retry 1a2b3c4d', 'troupe task retry 1a2b3c4d --fresh --detach'],
  }).option('--fresh', 'begin a new conversation instead')
  addWatchFlags(command).action((reference: string, { fresh, ...flags }: WatchFlags & { fresh?: true }) =>
    run(command, async (context) => {
      await using connection = await context.connect(workingConnection(flags))
      const { client } = connection
      const found = await findTask(client, reference, context.signal)
      const { task } = await client.call('retryUnitTask', { id: found.id, fresh }, { signal: context.signal })
      context.output.lines(taskHead(task, context.output.style))
      const seen = found.sessionId === undefined ? {} : { skipSession: found.sessionId }
      return await watchTask(context, connection, flags, { taskId: task.id, onInterrupt: 'stop', ...seen })
    }),
  )
}
