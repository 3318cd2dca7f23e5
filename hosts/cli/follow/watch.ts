/** Watches a task to its rest and says how it went: the second half of `run`, `task retry`, `task changes`, `task logs -f`. */
import { Option, type Command } from 'commander'
import type { TaskDiff, UnitTask } from '../../../core/contract/records.ts'
import type { TaskStatus } from '../../../core/contract/statuses.ts'
import type { Client } from '../../../core/rpc/client/index.ts'
import type { Connection, ConnectOptions } from '../connection.ts'
import type { CommandContext } from '../context.ts'
import { EXIT, type ExitCode } from '../exit-codes.ts'
import { changeSummary, fileLines } from '../render/diff.ts'
import { shortId } from '../render/format.ts'
import { nextStepLines, nextSteps } from '../render/next-steps.ts'
import { plainText } from '../render/sanitize.ts'
import { proseWidth } from '../render/style.ts'
import { taskHead } from '../render/task.ts'
import { wrap } from '../render/wrap.ts'
import { attend } from './attend.ts'
import type { AttendanceEnd, AttendOptions, Watched } from './attendance.ts'

export interface WatchFlags {
  /** False with `--detach`. */
  readonly follow: boolean
  readonly exitOnQuestion?: true
}

/** Adds `--follow`, `--detach` and `--exit-on-question`. */
export const addWatchFlags = (command: Command): Command =>
  command
    .option('--follow', 'watch until the task is ready for review (the default)')
    // Not as the option's default, which help would show.
    .setOptionValueWithSource('follow', true, 'default')
    .addOption(new Option('--detach', 'leave the work to a host in the background').conflicts('exitOnQuestion'))
    .option(
      '--exit-on-question',
      'where nobody can answer: leave with code 3 instead of waiting for an answer from elsewhere',
    )
    .on('option:detach', () => command.setOptionValue('follow', false))

/** How to reach an engine that will do the work, and go on when this command leaves early. */
export const workingConnection = (flags: WatchFlags): Pick<ConnectOptions, 'otherwise' | 'startsSessions'> => ({
  otherwise: flags.follow && !flags.exitOnQuestion ? 'own' : 'background',
  startsSessions: true,
})

const GOOD: ReadonlySet<TaskStatus> = new Set(['in_review', 'approved', 'pr_open', 'done'])
const MOST_FILES = 30

/** Watches, or with `--detach` only says how to. */
export async function watchTask(
  context: CommandContext,
  connection: Connection,
  flags: WatchFlags,
  { onInterrupt, ...watched }: Watched & Pick<AttendOptions, 'onInterrupt'>,
): Promise<ExitCode> {
  const { client } = connection
  const end = await attendWith(context, connection, flags, { tasks: [watched], onInterrupt })
  const { task } = await client.call('getUnitTask', { id: watched.taskId })
  if (end.kind === 'rested') await showResult(context, client, task, end.errors)
  else showLeaving(context, task)
  context.output.record({ type: 'task', task })
  return leave(connection, end, [task])
}

/** As `attend`, unless nobody wants to follow. */
export async function attendWith(
  context: CommandContext,
  connection: Connection,
  flags: WatchFlags,
  options: Omit<AttendOptions, 'exitOnQuestion'>,
): Promise<AttendanceEnd> {
  if (!flags.follow) return { kind: 'detached' }
  const exitOnQuestion = flags.exitOnQuestion === true
  return attend(context, connection.client, { ...options, exitOnQuestion }).catch((error: unknown) =>
    endUnread(error, context, connection, options.tasks),
  )
}

/** Lets the work go on if it shall, and says how the command ends: well if the work of one of the tasks is good. */
export async function leave(connection: Connection, end: AttendanceEnd, tasks: readonly UnitTask[]): Promise<ExitCode> {
  if (end.kind === 'detached' || end.kind === 'waiting') await connection.leaveRunning()
  return {
    rested: tasks.some(({ status }) => GOOD.has(status)) ? EXIT.done : EXIT.failed,
    detached: EXIT.done,
    waiting: EXIT.waiting,
    interrupted: EXIT.interrupted,
  }[end.kind]
}

/** Nobody reads any more (`troupe run ... | head`): a task whose engine ends here with us is stopped, not run again later. */
async function endUnread(
  reason: unknown,
  context: CommandContext,
  { client, mode }: Connection,
  tasks: readonly Watched[],
): Promise<never> {
  const unread = context.signal.aborted && context.shutdown.cause === undefined
  const stop = ({ taskId: id }: Watched) => client.call('stopTaskExecution', { id }).catch(() => {})
  if (unread && mode === 'own') await Promise.all(tasks.map(stop))
  throw reason
}

async function showResult(
  { output }: CommandContext,
  client: Client,
  task: UnitTask,
  shownErrors: ReadonlySet<string>,
): Promise<void> {
  if (output.json) return
  const diff = await readDiff(client, task)
  const { style } = output
  const error = task.error && !shownErrors.has(task.error.message) ? `: ${plainText(task.error.message)}` : ''
  output.lines([
    '',
    ...taskHead(task, style).slice(0, 1),
    ...wrap(`  ${task.status}${error}`, proseWidth(style)),
    ...(diff
      ? [`  ${changeSummary(diff, style)}`, ...fileLines(diff, style, MOST_FILES).map((line) => ` ${line}`)]
      : []),
    '',
    ...nextStepLines(nextSteps(task, (diff?.files.length ?? 0) > 0), style),
  ])
}

/** A task that never got a worktree has no diff, which is no error here. */
async function readDiff(client: Client, { id, status }: UnitTask): Promise<TaskDiff | undefined> {
  if (status === 'draft' || status === 'done') return undefined
  return client.call('getTaskDiff', { id }).then(
    ({ diff }) => diff,
    () => undefined,
  )
}

function showLeaving({ output }: CommandContext, task: UnitTask): void {
  const text = `${shortId(task.id)} is ${task.status}${task.waitingFor ? ` (${task.waitingFor})` : ''}.`
  if (output.json) return
  output.lines(['', `${output.style.paint('cyan', '◆')} ${text}`, '', ...nextStepLines(nextSteps(task), output.style)])
}
