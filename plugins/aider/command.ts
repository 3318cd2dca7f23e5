/** How the program is called. Pure. */
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command, PermissionMode, Session } from 'troupe/plugin'
import type { BridgeTask } from './bridge.ts'

const BRIDGE = fileURLToPath(new URL(`./bridge${extname(import.meta.url)}`, import.meta.url))

const OPTIONS = [
  // For lines instead of a terminal; a reply comes when it is whole (see bridge.ts).
  '--no-pretty',
  '--no-fancy-input',
  '--no-stream',
  // The diff is what the agent did: no commits, no change of .gitignore.
  '--no-auto-commits',
  '--no-dirty-commits',
  '--no-gitignore',
  // What the user did not ask for: updates, telemetry, browsers, pages that a prompt happens to name.
  '--no-check-update',
  '--no-show-release-notes',
  '--no-analytics',
  '--no-show-model-warnings',
  '--no-detect-urls',
  '--disable-playwright',
  // It starts flake8 in the repository, where Python would run a file of that name before anybody was asked.
  '--no-auto-lint',
]

export interface TurnCommand {
  readonly session: Session
  /** Counted from 0. */
  readonly turn: number
  readonly conversation: string
  readonly mode: PermissionMode
}

/** Where the message of a turn is for Aider to read: it may be too long for a command line, and others can see those. */
export const messageFile = ({ scratchDir }: Session, turn: number): string => join(scratchDir, `message-${turn}.md`)

/** One process for each turn: what is said to Aider is in a file before it starts, so that a crash makes nothing be said twice. */
export function toCommand({ session, turn, conversation, mode }: TurnCommand): Command {
  const { settings, scratchDir, model, resume } = session
  const task: BridgeTask = {
    program: settings.program ?? 'aider',
    args: [
      ...OPTIONS,
      `--message-file=${messageFile(session, turn)}`,
      `--input-history-file=${join(scratchDir, 'input-history')}`,
      ...(mode === 'plan' ? ['--chat-mode=ask'] : []),
      ...(model === undefined ? [] : [`--model=${model}`]),
      ...settings.args,
    ],
    conversation,
    resume: turn > 0 || resume !== undefined,
    reports: join(scratchDir, `reports-${turn}.ndjson`),
  }
  return {
    program: process.execPath,
    args: [BRIDGE, JSON.stringify(task)],
    env: {
      // It would fold what it prints at 80 columns.
      COLUMNS: '100000',
      // Else its library asks the network for the prices of models at each start. Aider itself does so once a day, for a list that
      // it keeps in ~/.aider/caches; it has no option against that.
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
      PYTHONIOENCODING: 'utf-8',
    },
    stdin: 'live',
  }
}
