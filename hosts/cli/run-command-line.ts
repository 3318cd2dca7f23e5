/**
 * One run of the program `troupe`, from arguments to exit code. Owns: the handlers of signals and of a reader that is gone.
 */
import { Command, CommanderError } from 'commander'
import { openDataDirectory, type DataDirectory, type Environment } from '../data-directory.ts'
import { packageVersion } from '../package.ts'
import { type Shutdown, type ShutdownOptions, listenForShutdown, signalExitCode } from '../shutdown.ts'
import type { CommonOptions, Run } from './command.ts'
import { addCommands } from './commands.ts'
import { connect } from './connection.ts'
import type { CommandContext } from './context.ts'
import { EXIT } from './exit-codes.ts'
import { helpLayout, toUsageError } from './help.ts'
import { makeOutput } from './output.ts'
import type { ComposeHost } from './own-host.ts'
import { reportError } from './report-error.ts'
import type { Streams } from './streams.ts'

export interface Invocation {
  /** Without the program and its script. */
  readonly args: readonly string[]
  readonly env: Environment
  readonly cwd: string
  readonly streams: Streams
  /** The script that starts this program again. */
  readonly entry: string
  readonly compose: ComposeHost
  readonly signals: ShutdownOptions
}

/** Never rejects: whatever goes wrong is printed and becomes the exit code. */
export async function runCommandLine(invocation: Invocation): Promise<number> {
  const { args, env, streams } = invocation
  using shutdown = listenForShutdown(invocation.signals)
  const unread = watchReader(streams)
  let exitCode: number = EXIT.done
  const run: Run = async (command, work) => {
    const signal = AbortSignal.any([shutdown.signal, unread])
    exitCode = await work(makeContext(invocation, { options: command.optsWithGlobals(), shutdown, signal }))
  }
  try {
    // The bare program is the host; anything else that is no command shall be told so.
    await makeProgram(streams, run).parseAsync(args.length === 0 ? ['up'] : args, { from: 'user' })
    return exitCode
  } catch (error) {
    if (unread.aborted) return EXIT.done
    if (shutdown.cause !== undefined) return signalExitCode(shutdown.cause)
    return reportError(error, { streams, env, json: args.includes('--json') })
  }
}

function makeProgram({ stdout, stderr }: Streams, run: Run): Command {
  const program = new Command('troupe')
    .description('Runs coding agents on your repositories, each task in a worktree of its own.')
    .version(packageVersion, '-V, --version', 'print the version')
    .helpCommand(false)
    .showSuggestionAfterError()
    .addHelpText('after', HELP)
  addCommands(program, run)
  for (const command of withAll(program)) {
    command
      .exitOverride((error) => {
        throw error.exitCode === 0 || error.code === 'commander.help' ? error : toUsageError(error, command)
      })
      .configureOutput({
        writeOut: (text) => void stdout.write(text),
        writeErr: (text) => void stderr.write(text),
        // Printed once, by reportError.
        outputError: () => {},
        getOutHelpWidth: () => stdout.columns ?? 100,
        getErrHelpWidth: () => stderr.columns ?? 100,
      })
      .configureHelp(helpLayout)
  }
  return program
}

const HELP = `
Examples:
  $ troupe run "Add a --json flag to the list command" --repo .
  $ troupe task ls
  $ troupe

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 waiting for an answer, 130 interrupted,
143 ended by SIGTERM.
Ids: any unique beginning or end of a task's id will do; lists show the last 8 characters.`

const withAll = (command: Command): Command[] => [command, ...command.commands.flatMap(withAll)]

interface Running {
  readonly options: CommonOptions
  readonly shutdown: Shutdown
  readonly signal: AbortSignal
}

function makeContext(invocation: Invocation, { options, shutdown, signal }: Running): CommandContext {
  const { compose, cwd, entry, env, streams } = invocation
  let opened: Promise<DataDirectory> | undefined
  const dataDirectory = () => (opened ??= openDataDirectory(env, options.home))
  const output = makeOutput({ streams, env, json: options.json === true })
  return {
    compose,
    cwd,
    env,
    shutdown,
    signal,
    streams,
    dataDirectory,
    output,
    verbose: options.verbose === true,
    async connect(choice = {}) {
      const connection = await connect({
        compose,
        entry,
        env,
        signal,
        otherwise: 'own',
        startsSessions: false,
        ...choice,
        dataDirectory: await dataDirectory(),
        ...(options.verbose && { diagnostics: streams.stderr }),
      })
      const { otherVersion } = connection
      if (otherVersion !== undefined) output.notice(differs(otherVersion))
      return connection
    },
  }
}

const differs = (version: string): string =>
  `note: the host that runs is Troupe ${version}, this command is ${packageVersion}. End the host and start it again to have one version.`

/** Aborts when nobody reads stdout any more (`troupe task ls | head -1`): that is an end, not an error. */
function watchReader({ stdout, stderr }: Streams): AbortSignal {
  const gone = new AbortController()
  stdout.on('error', (error: Error & { code?: string }) => {
    if (error.code !== 'EPIPE') stderr.write(`error: standard output cannot be written: ${error.message}\n`)
    gone.abort(new CommanderError(EXIT.done, 'stdout', 'Nobody reads the output.'))
  })
  stderr.on('error', () => {})
  return gone.signal
}
