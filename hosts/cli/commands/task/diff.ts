/** `troupe task diff`: what a task changed. */
import { type Command, Option } from 'commander'
import { type Run, addCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { changeSummary, diffLines, fileLines, toPatch } from '../../render/diff.ts'
import { shortId } from '../../render/format.ts'
import { findTask } from '../../task-reference.ts'

interface DiffOptions {
  readonly stat?: true
  readonly patch?: true
}

export function addDiffCommand(group: Command, run: Run): void {
  const command = addCommand(group, 'diff <task>', {
    summary: 'Show all that a task changed since it began, committed or not',
    examples: ['troupe task diff 1a2b3c4d', 'troupe task diff 1a2b3c4d | git apply'],
  })
    .option('--stat', 'only the files and their counts')
    .addOption(
      new Option(
        '--patch',
        'as `git apply` takes it, without binary files; also when the output is no terminal',
      ).conflicts('stat'),
    )
    .action((reference: string, { stat, patch }: DiffOptions) =>
      run(command, async (context) => {
        await using connection = await context.connect()
        const { client } = connection
        const task = await findTask(client, reference, context.signal)
        const { diff } = await client.call('getTaskDiff', { id: task.id }, { signal: context.signal })
        const { output } = context
        const piped = !output.style.terminal && !stat
        if ((patch || piped) && !output.json) {
          context.streams.stdout.write(toPatch(diff))
          if (diff.files.length === 0) output.notice(`${shortId(task.id)} changed nothing.`)
        } else {
          output.result({ diff }, () => [
            changeSummary(diff, output.style),
            ...fileLines(diff, output.style),
            ...(stat || diff.files.length === 0 ? [] : ['', ...diffLines(diff, output.style)]),
          ])
        }
        await output.drained(context.signal)
        return EXIT.done
      }),
    )
}
