/** `npm start`: the host, and on a first start the whole of Troupe on a sample, without any account. */
import { join } from 'node:path'
import type { Command } from 'commander'
import { toEnvelope } from '../../../core/base/errors.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import { makeGit } from '../../../core/workspace/git.ts'
import type { Client } from '../../../core/rpc/client/index.ts'
import { type Run, addCommand } from '../command.ts'
import type { CommandContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import type { AttendanceEnd } from '../follow/attendance.ts'
import { attend } from '../follow/attend.ts'
import { changeSummary, diffLines } from '../render/diff.ts'
import { nextStepLines, nextSteps } from '../render/next-steps.ts'
import { plainText } from '../render/sanitize.ts'
import { taskHead } from '../render/task.ts'
import { SAMPLE_PROMPT, SAMPLE_TITLE, makeSampleRepository } from '../sample-repository.ts'
import { waitForEnd } from '../wait-for-end.ts'
import { openServingHost, showAddress } from './up.ts'

export function addStartCommand(program: Command, run: Run): void {
  const command = addCommand(program, 'start', {
    summary: 'Show Troupe at work on a sample, then stay up as the host',
    examples: ['npm start'],
    // People who installed the program use `up`.
    hidden: true,
  }).action(() =>
    run(command, async (context) => {
      await using host = await openServingHost(context)
      if ((await tryFirstTask(context, host.client)) === 'interrupted') return EXIT.interrupted
      context.output.lines([''])
      showAddress(context, host)
      return await waitForEnd(context, host)
    }),
  )
}

type Shown = AttendanceEnd['kind'] | 'not shown'

/** A host that stays up is of use whatever became of the sample. */
async function tryFirstTask(context: CommandContext, client: Client): Promise<Shown> {
  try {
    return await showFirstTask(context, client)
  } catch (error) {
    if (context.signal.aborted) throw error
    const { code, message } = toEnvelope(error)
    context.output.notice(`The sample task could not be shown: ${plainText(message)} [${code}]`)
    return 'not shown'
  }
}

async function showFirstTask(context: CommandContext, client: Client): Promise<Shown> {
  const { output, signal } = context
  const path = join((await context.dataDirectory()).root, 'sample')
  if (!(await makeSampleRepository(path, makeGit(context.env), signal))) return 'not shown'
  output.lines([
    output.style.paint('bold', 'A first task, on a sample repository, with a shell script as the agent'),
    output.style.paint('dim', path),
    '',
  ])
  const task = await createSampleTask(client, path, signal)
  output.lines(taskHead(task, output.style))
  const watched = [{ taskId: task.id }]
  const end = await attend(context, client, { tasks: watched, onInterrupt: 'leave', exitOnQuestion: true })
  if (end.kind === 'rested') for (const rested of end.tasks) await showWork(context, client, rested)
  return end.kind
}

async function createSampleTask(client: Client, path: string, signal: AbortSignal): Promise<UnitTask> {
  const { repository } = await client.call('addRepository', { path }, { signal })
  const work = {
    prompt: SAMPLE_PROMPT,
    title: SAMPLE_TITLE,
    agent: 'command',
    permissionMode: 'full',
    start: true,
  } as const
  return (await client.call('createUnitTask', { repositoryId: repository.id, ...work }, { signal })).task
}

async function showWork({ output, signal }: CommandContext, client: Client, task: UnitTask): Promise<void> {
  const { style } = output
  const { diff } = await client.call('getTaskDiff', { id: task.id }, { signal })
  output.record({ type: 'task', task })
  output.lines([
    '',
    `${task.status}: ${changeSummary(diff, style)}`,
    '',
    ...diffLines(diff, style),
    '',
    ...nextStepLines(nextSteps(task, diff.files.length > 0), style),
    style.paint('dim', '  (in another terminal; `npx troupe` in this folder where `troupe` is not installed)'),
  ])
}
