/** How the program is called: once for each turn, because it ends with its input, and a live input never ends. Pure. */
import type { Command, QuestionServer, Session } from 'troupe/plugin'

export interface Turn {
  readonly prompt: string
  /** The conversation to go on with. */
  readonly thread?: string | undefined
}

export const toProgram = ({ settings }: Session): string => settings.program ?? 'amp'

/** The prompt is a line of JSON on its input, so that no prompt is taken for an option. */
export const toCommand = (session: Session, { prompt, thread }: Turn): Command => ({
  program: toProgram(session),
  args: [
    ...(thread === undefined ? [] : ['threads', 'continue', thread]),
    '--execute',
    '--stream-json',
    '--stream-json-thinking',
    '--stream-json-input',
    // It has no way to ask for a permission here: without this, what needs one is refused unasked.
    '--dangerously-allow-all',
    '--no-ide',
    '--no-notifications',
    ...(session.model === undefined ? [] : [`--mode=${session.model}`]),
    ...(session.questionServer ? [`--mcp-config=${toMcpConfig(session.questionServer)}`] : []),
    ...session.settings.args.filter((arg) => arg !== TRUST),
  ],
  env: { AMP_LOG_FILE: `${session.scratchDir}/amp.log` },
  stdin: { content: `${JSON.stringify(toMessage(prompt))}\n` },
})

/** Not an option of Amp: in the `args` of the settings it says that repositories may run code (see trust.ts). */
export const TRUST = '--trust-repositories'

const toMessage = (prompt: string) => ({
  type: 'user',
  message: { role: 'user', content: [{ type: 'text', text: prompt.toWellFormed() }] },
})

const toMcpConfig = ({ name, command, args, env }: QuestionServer): string =>
  JSON.stringify({ [name]: { command, args, env } })
