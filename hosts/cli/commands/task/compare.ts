/** `troupe task compare`, `choose`: the attempts at one prompt. */
import type { Command } from 'commander'
import { fail } from '../../../../core/base/errors.ts'
import type { Client } from '../../../../core/rpc/client/index.ts'
import { type Run, addCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { comparisonLines } from '../../render/comparison.ts'
import { shortId } from '../../render/format.ts'
import { findTask } from '../../task-reference.ts'

export function addCompareCommands(group: Command, run: Run): void {
  addCompare(group, run)
  addChoose(group, run)
}

function addCompare(group: Command, run: Run): void {
  const command = addCommand(group, 'compare <task>', {
    summary: 'Show an attempt beside the others at the same prompt',
    details:
      'What each changed, what it used and cost as far as its agent says so, and how long it worked; waiting for answers does not count.',
    examples: ['troupe task compare 1a2b3c4d'],
  }).action((reference: string) =>
    run(command, async (context) => {
      await using connection = await context.connect()
      const { client } = connection
      const { comparisonId } = await findAttempt(client, reference, context.signal)
      const result = await client.call('getComparison', { id: comparisonId }, { signal: context.signal })
      context.output.result(result, () => comparisonLines(result.comparison, context.output.style))
      return EXIT.done
    }),
  )
}

function addChoose(group: Command, run: Run): void {
  const command = addCommand(group, 'choose <task>', {
    summary: 'Approve one of several attempts and reject the others',
    details: 'Attempts at work are stopped first. The branches and worktrees of all stay until `troupe task rm`.',
    examples: ['troupe task choose 1a2b3c4d'],
  }).action((reference: string) =>
    run(command, async (context) => {
      await using connection = await context.connect()
      const { client } = connection
      const { id } = await findAttempt(client, reference, context.signal)
      const result = await client.call('chooseAttempt', { taskId: id }, { signal: context.signal })
      context.output.result(result, () => comparisonLines(result.comparison, context.output.style))
      return EXIT.done
    }),
  )
}

interface AttemptReference {
  readonly id: string
  readonly comparisonId: string
}

/** @throws TroupeError as `findTask`; NOT_FOUND when the task is the only one at its prompt */
async function findAttempt(client: Client, reference: string, signal: AbortSignal): Promise<AttemptReference> {
  const { id, comparisonId } = await findTask(client, reference, signal)
  if (comparisonId !== undefined) return { id, comparisonId }
  const text = `${shortId(id)} is not compared with others. Several attempts are made with: troupe run "..." --agent <one> --agent <other>`
  return fail('NOT_FOUND', text)
}
