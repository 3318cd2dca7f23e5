/** What all commands have in common: options, help, and how their work is run. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { fail } from '../../core/base/errors.ts'
import type { CommandContext } from './context.ts'
import type { ExitCode } from './exit-codes.ts'

/** Runs the work of a command with its context; its exit code becomes that of the program. */
export type Run = (command: Command, work: (context: CommandContext) => Promise<ExitCode>) => Promise<void>

export interface CommonOptions {
  readonly json?: true
  readonly home?: string
  readonly verbose?: true
}

export interface CommandText {
  /** One line, for the list of commands. */
  readonly summary: string
  /** Added below it in the command's own help. */
  readonly details?: string
  readonly examples: readonly string[]
  /** Not in the list of commands. */
  readonly hidden?: boolean
}

/** @param usage name and arguments, as commander has them: `show <task>` */
export function addCommand(
  parent: Command,
  usage: string,
  { summary, details, examples, hidden = false }: CommandText,
): Command {
  const shown = examples.map((example) => `  $ ${example}`).join('\n')
  return parent
    .command(usage, { hidden })
    .summary(summary)
    .description(details ? `${summary}.\n\n${details.replaceAll('\n', ' ')}` : `${summary}.`)
    .addHelpText('after', `\nExamples:\n${shown}`)
    .option('--json', 'print JSON for programs; diagnostics go to stderr')
    .option('--home <folder>', 'the data directory (default: TROUPE_HOME, else ~/.troupe)')
    .option('--verbose', 'show warnings of the host on stderr')
}

export function addGroup(program: Command, name: string, summary: string): Command {
  return program.command(name).helpCommand(false).summary(summary).description(`${summary}.`)
}

export const choice = (flags: string, description: string, choices: readonly string[]): Option =>
  new Option(flags, description).choices(choices)

/** A parser for options that take a whole number. */
export const wholeNumber =
  (least: number, most: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`)
    }
    return value
  }

/** @throws TroupeError USAGE */
export const usage = (message: string): never => fail('USAGE', message)
