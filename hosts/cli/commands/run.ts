/** `troupe run`: from a prompt to work that is ready for review. */
import { resolve } from 'node:path'
import { type Command, InvalidArgumentError } from 'commander'
import { type PermissionMode, type SandboxKind, permissionMode, sandboxKind } from '../../../core/contract/statuses.ts'
import type { MethodParams } from '../../../core/rpc/client/index.ts'
import { type Run, addCommand, choice, usage } from '../command.ts'
import type { Connection } from '../connection.ts'
import type { CommandContext } from '../context.ts'
import type { ExitCode } from '../exit-codes.ts'
import { watchComparison } from '../follow/watch-comparison.ts'
import { type WatchFlags, addWatchFlags, watchTask, workingConnection } from '../follow/watch.ts'
import { comparisonHead } from '../render/comparison.ts'
import { taskHead } from '../render/task.ts'
import { readInput } from '../streams.ts'

interface RunOptions extends WatchFlags {
  readonly repo: string
  readonly agent?: readonly AgentOption[]
  readonly model?: string
  readonly permissionMode?: PermissionMode
  readonly sandbox?: SandboxKind
  readonly branch?: string
  readonly base?: string
  readonly title?: string
}

/** `claude-code`, or `claude-code:opus`. */
interface AgentOption {
  readonly agent: string
  readonly model?: string
}

const DETAILS = `Makes a task, starts it and shows what the agent does. Questions of the agent are asked here; without a terminal
they are printed with the command that answers them, and the run goes on waiting (or ends with code 3 if told
--exit-on-question). Ctrl-C asks whether to stop the task or to leave it running; without a terminal it stops the task.
Given --agent several times, each works on a task of its own, all from the same commit; in the end they are shown side by
side, and \`troupe task choose\` takes one. The exit code is then 0 if the work of one of them is ready for review.`

export function addRunCommand(program: Command, run: Run): void {
  const command = addCommand(program, 'run <prompt>', {
    summary: 'Give a prompt to an agent, or to several, and watch until the work is ready for review',
    details: DETAILS,
    examples: [
      'troupe run "Add a --json flag to the list command"',
      'troupe run "Fix the flaky test in parser.test.ts" --repo ~/code/site --agent claude-code --detach',
      'troupe run "Make the parser faster" --agent claude-code:opus --agent claude-code:sonnet --agent codex-cli',
      'troupe run - < prompt.md',
    ],
  })
    .option('--repo <folder>', 'the repository', '.')
    .option(
      '--agent <name[:model]>',
      'who does it (default: by the configuration); give it several times to compare attempts',
      addAgent,
    )
    .option('--model <name>', "the agent's model; for several agents write --agent name:model")
    .addOption(choice('--permission-mode <mode>', 'what the agent may do without asking', permissionMode.options))
    .addOption(choice('--sandbox <kind>', 'where its processes run', sandboxKind.options))
    .option('--branch <name>', 'the branch to work on, with one agent only (default: by [branch] template)')
    .option('--base <branch>', "the branch to begin from (default: the repository's)")
    .option('--title <text>', 'the name of the task (default: the first line of the prompt)')
  addWatchFlags(command).action((prompt: string, options: RunOptions) =>
    run(command, async (context) => {
      const agents = agentsOf(options)
      const text = await readPrompt(prompt, context)
      await using connection = await context.connect(workingConnection(options))
      const { repository } = await connection.client.call(
        'addRepository',
        { path: resolve(context.cwd, options.repo) },
        { signal: context.signal },
      )
      const common = { repositoryId: repository.id, prompt: text, ...toCommon(options) }
      if (agents.length > 1) return await runSeveral(context, connection, options, { ...common, agents })
      return await runOne(context, connection, options, { ...common, ...agents[0], branchName: options.branch })
    }),
  )
}

/** The name of an agent holds no colon, that of a model may. */
function addAgent(text: string, before: readonly AgentOption[] = []): AgentOption[] {
  const [agent = '', ...rest] = text.split(':')
  const model = rest.join(':')
  if (agent === '' || (rest.length > 0 && model === '')) {
    throw new InvalidArgumentError('Give the name of an agent, with its model if you like: claude-code:opus')
  }
  return [...before, { agent, ...(model !== '' && { model }) }]
}

/** With `--model` put where it belongs. */
function agentsOf({ agent: agents = [], model, branch }: RunOptions): readonly Partial<AgentOption>[] {
  if (agents.length > 1 && branch !== undefined) {
    return usage('Each attempt has a branch of its own, so --branch goes with one --agent only.')
  }
  if (model === undefined) return agents
  const [only, ...others] = agents
  if (others.length > 0) return usage('Say which agent the model is for: --agent claude-code:opus --agent codex-cli')
  if (only?.model !== undefined)
    return usage(`The model is named twice: --agent ${only.agent}:${only.model} and --model`)
  return [{ ...only, model }]
}

async function readPrompt(prompt: string, { signal, streams }: CommandContext): Promise<string> {
  const text = prompt === '-' ? await readInput(streams.stdin, signal) : prompt
  if (text === undefined) return usage('The prompt on standard input is longer than 1 MB.')
  return text.trim() === '' ? usage('The prompt is empty. Say what to do: troupe run "..."') : text
}

const toCommon = ({ title, sandbox, base, permissionMode: mode }: RunOptions) => ({
  title,
  sandbox,
  baseBranch: base,
  permissionMode: mode,
  start: true,
})

async function runOne(
  context: CommandContext,
  connection: Connection,
  flags: WatchFlags,
  params: MethodParams<'createUnitTask'>,
): Promise<ExitCode> {
  const { output, signal } = context
  const { task } = await connection.client.call('createUnitTask', params, { signal })
  output.record({ type: 'task', task })
  output.lines(taskHead(task, output.style))
  return watchTask(context, connection, flags, { taskId: task.id, onInterrupt: 'stop' })
}

type Several = Omit<MethodParams<'createComparison'>, 'attempts'> & {
  readonly agents: readonly Partial<AgentOption>[]
  readonly permissionMode?: PermissionMode | undefined
}

async function runSeveral(
  context: CommandContext,
  connection: Connection,
  flags: WatchFlags,
  { agents, permissionMode: mode, ...common }: Several,
): Promise<ExitCode> {
  const { output, signal } = context
  const attempts = agents.map(({ agent = '', model }) => ({ agent, model, permissionMode: mode }))
  const { comparison } = await connection.client.call('createComparison', { ...common, attempts }, { signal })
  const tasks = comparison.attempts.map(({ task }) => task)
  for (const task of tasks) output.record({ type: 'task', task })
  output.lines(comparisonHead(tasks, output.style))
  return watchComparison(context, connection, flags, comparison)
}
