/** `troupe task pr`, and `done` for what was merged there. */
import type { Command } from 'commander'
import { type Run, addCommand } from '../../command.ts'
import { EXIT } from '../../exit-codes.ts'
import { shortId } from '../../render/format.ts'
import { nextStepLines, nextSteps } from '../../render/next-steps.ts'
import { plainLine } from '../../render/sanitize.ts'
import { findTask } from '../../task-reference.ts'

/** A large branch on a slow line; the host has bounds of its own below this one. */
const CALL_BOUND_MS = 7 * 60_000

interface Flags {
  readonly title?: string
  readonly body?: string
}

export function addPullRequestCommands(group: Command, run: Run): void {
  addOpen(group, run)
  addDone(group, run)
}

function addOpen(group: Command, run: Run): void {
  const command = addCommand(group, 'pr <task>', {
    summary: 'Push the branch of an approved task and open a pull request for it',
    details:
      'For repositories whose remote `origin` is on GitHub or GitLab. The branch is pushed as you would push it; the request ' +
      'is opened with the token in GITHUB_TOKEN or GITLAB_TOKEN, as the host had it at its start.',
    examples: ['troupe task pr 1a2b3c4d', 'troupe task pr 1a2b3c4d --title "Add --json" --body "Closes #12"'],
  })
    .option('--title <text>', 'default: the title of the task')
    .option('--body <text>', 'default: the first paragraph of the prompt')
    .action((reference: string, { title, body }: Flags) =>
      run(command, async (context) => {
        const { output, signal } = context
        await using connection = await context.connect()
        const { id } = await findTask(connection.client, reference, signal)
        const options = { signal, timeoutMs: CALL_BOUND_MS }
        const result = await connection.client.call('createPullRequest', { id, title, body }, options)
        output.result(result, () => [
          `${shortId(id)} has a pull request: ${plainLine(result.url)}`,
          '',
          ...nextStepLines(nextSteps(result.task), output.style),
        ])
        return EXIT.done
      }),
    )
}

function addDone(group: Command, run: Run): void {
  const command = addCommand(group, 'done <task>', {
    summary: 'Say that the work was merged elsewhere, for example by its pull request',
    examples: ['troupe task done 1a2b3c4d'],
  }).action((reference: string) =>
    run(command, async (context) => {
      const { output, signal } = context
      await using connection = await context.connect()
      const { id } = await findTask(connection.client, reference, signal)
      const result = await connection.client.call('updateUnitTaskStatus', { id, status: 'done' }, { signal })
      output.result(result, () => [`${shortId(id)} is ${result.task.status}.`])
      return EXIT.done
    }),
  )
}
