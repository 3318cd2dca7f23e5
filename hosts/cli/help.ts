/** How help is laid out, and how wrong usage is told: in one line that ends with the right form. */
import { type Command, type CommanderError, Help, type HelpConfiguration } from 'commander'
import { TroupeError } from '../../core/base/errors.ts'

/** Options that all commands have: they come last. */
const COMMON = new Set(['--json', '--home', '--verbose', '--help'])

export const helpLayout: HelpConfiguration = {
  showGlobalOptions: false,
  // That a command has options says its own help.
  subcommandTerm: (command) => [command.name(), ...argumentsOf(command)].join(' '),
  visibleOptions: (command) =>
    new Help()
      .visibleOptions(command)
      .toSorted((a, b) => Number(COMMON.has(a.long ?? '')) - Number(COMMON.has(b.long ?? ''))),
}

const argumentsOf = ({ registeredArguments }: Command): string[] =>
  registeredArguments.map((argument) => (argument.required ? `<${argument.name()}>` : `[${argument.name()}]`))

const ARGUMENTS_WRONG = new Set(['commander.missingArgument', 'commander.excessArguments'])

/** Commander's own words, its suggestion on the same line, and the right form. */
export function toUsageError({ code, message }: CommanderError, command: Command): TroupeError {
  const text = message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ')
  const whole = /[.?!)]$/.test(text)
  if (ARGUMENTS_WRONG.has(code)) {
    return new TroupeError('USAGE', `${text}${whole ? '' : '.'} Usage: ${pathOf(command)} ${command.usage()}`)
  }
  return new TroupeError('USAGE', whole ? text : `${text}; see ${pathOf(command)} --help`)
}

/** `troupe task show`. */
const pathOf = (command: Command): string =>
  command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
