/** Watches the attempts of a comparison until all rest, then shows them side by side. */
import type { Attempt, Comparison } from '../../../core/contract/methods/comparisons.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import type { Connection } from '../connection.ts'
import type { CommandContext } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { attemptNames, comparisonLines } from '../render/comparison.ts'
import { truncate } from '../render/width.ts'
import { attendWith, leave, type WatchFlags } from './watch.ts'

/** Columns; names of models can be long. */
const MOST_LABEL = 32

const toTask = ({ task }: Attempt): UnitTask => task

export async function watchComparison(
  context: CommandContext,
  connection: Connection,
  flags: WatchFlags,
  { id, attempts }: Comparison,
): Promise<ExitCode> {
  const { client } = connection
  const { output } = context
  const names = attemptNames(attempts.map(toTask))
  const tasks = attempts.map(({ task }, at) => ({ taskId: task.id, label: truncate(names[at] ?? '', MOST_LABEL) }))
  const end = await attendWith(context, connection, flags, { tasks, onInterrupt: 'stop' })
  const { comparison } = await client.call('getComparison', { id })
  output.lines(['', ...comparisonLines(comparison, output.style)])
  output.record({ type: 'comparison', comparison })
  return leave(connection, end, comparison.attempts.map(toTask))
}
