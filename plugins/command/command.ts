/** What is run for a session. */
import type { AgentSettings, Command, Session } from 'troupe/plugin'

/** What runs a prompt when no program is set. */
export const SHELL = 'sh'

/**
 * The prompt as a command line of the shell; with `program` set, that program, its last argument the prompt. Either finds
 * the prompt in TROUPE_PROMPT too.
 */
export function toCommand({ prompt, settings }: Pick<Session, 'prompt' | 'settings'>): Command {
  const { program, args } = settings
  const env = { TROUPE_PROMPT: prompt }
  if (program === undefined) return { program: SHELL, args: ['-c', prompt, SHELL, ...args], env }
  return { program, args: [...args, prompt], env }
}

/** The command as people read it. */
export const describeCommand = (prompt: string, { program, args }: AgentSettings): string =>
  program === undefined ? prompt : [program, ...args, prompt].join(' ')
