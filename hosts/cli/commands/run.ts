/** `troupe run`: from a prompt to work that is ready for review. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { UnitTask } from '../../../core/contract/records.ts'
import { type PermissionMode, type SandboxKind, permissionMode, sandboxKind } from '../../../core/contract/statuses.ts'
import type { Client } from '../../../core/rpc/client/index.ts'
import { type Run, addCommand, choice, usage } from '../command.ts'
import type { CommandContext } from '../context.ts'
import { type WatchFlags, addWatchFlags, watchTask, workingConnection } from '../follow/watch.ts'
import { taskHead } from '../render/task.ts'
import { readInput } from '../streams.ts'

interface RunOptions extends WatchFlags {
  readonly repo: string
  readonly agent?: string
  readonly model?: string
  readonly permissionMode?: PermissionMode
  readonly sandbox?: SandboxKind
  readonly branch?: string
  readonly base?: string
  readonly title?: string
}

const DETAILS = `Makes a task, starts it and shows what the agent does. Questions of the agent are asked here; without a terminal
they are printed with the command that answers them, and the run goes on waiting (or ends with code 3 if told
--exit-on-question). Ctrl-C asks whether to stop the task or to leave it running; without a terminal it stops the task.`

export function addRunCommand(program: Command, run: Run): void {
  const command = addCommand(program, 'run <prompt>', {
    summary: 'Give a prompt to an agent and watch until its work is ready for review',
    details: DETAILS,
    examples: [
      'troupe run "Add a --json flag to the list command"',
      'troupe run "Fix the flaky test in parser.test.ts" --repo ~/code/site --agent claude-code --detach',
      'troupe run - < prompt.md',
    ],
  })
    .option('--repo <folder>', 'the repository', '.')
    .option('--agent <name>', 'who does it (default: by the configuration)')
    .option('--model <name>', "the agent's model")
    .addOption(choice('--permission-mode <mode>', 'what the agent may do without asking', permissionMode.options))
    .addOption(choice('--sandbox <kind>', 'where its processes run', sandboxKind.options))
    .option('--branch <name>', 'the branch to work on (default: by the template of the configuration)')
    .option('--base <branch>', "the branch to begin from (default: the repository's)")
    .option('--title <text>', 'the name of the task (default: the first line of the prompt)')
  addWatchFlags(command).action((prompt: string, options: RunOptions) =>
    run(command, async (context) => {
      const text = await readPrompt(prompt, context)
      await using connection = await context.connect(workingConnection(options))
      const task = await createTask(context, connection.client, { ...options, prompt: text })
      context.output.record({ type: 'task', task })
      context.output.lines(taskHead(task, context.output.style))
      return await watchTask(context, connection, options, { taskId: task.id, onInterrupt: 'stop' })
    }),
  )
}

async function readPrompt(prompt: string, { signal, streams }: CommandContext): Promise<string> {
  const text = prompt === '-' ? await readInput(streams.stdin, signal) : prompt
  if (text === undefined) return usage('The prompt on standard input is longer than 1 MB.')
  return text.trim() === '' ? usage('The prompt is empty. Say what to do: troupe run "..."') : text
}

async function createTask(
  { cwd, signal }: CommandContext,
  client: Client,
  options: RunOptions & { prompt: string },
): Promise<UnitTask> {
  const { repository } = await client.call('addRepository', { path: resolve(cwd, options.repo) }, { signal })
  const params = {
    repositoryId: repository.id,
    prompt: options.prompt,
    title: options.title,
    agent: options.agent,
    model: options.model,
    permissionMode: options.permissionMode,
    sandbox: options.sandbox,
    branchName: options.branch,
    baseBranch: options.base,
    start: true,
  }
  return (await client.call('createUnitTask', params, { signal })).task
}
