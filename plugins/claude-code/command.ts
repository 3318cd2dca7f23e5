/** How the program is called. Pure. */
import type { Command, PermissionMode, Session } from 'troupe/plugin'

const MODES: Record<PermissionMode, string> = {
  ask: 'default',
  accept_edits: 'acceptEdits',
  plan: 'plan',
  // Claude Code refuses its own bypass mode to root. We get the same by allowing whatever it asks for (see questions.ts).
  full: 'acceptEdits',
}

const READ_INSTRUCTIONS =
  'Before you work in a folder of this repository, read the nearest AGENTS.md or CLAUDE.md, if there is one that you have not read.'

/**
 * The repository may be hostile, and `-p` asks nobody whether to trust it. Hooks, key helpers, MCP servers, skills, permission
 * rules and variables in its `.claude` and `.mcp.json` would take effect before anybody is asked; a variable could send
 * the user's key to a stranger. So only the user's own settings are loaded. That leaves out the repository's CLAUDE.md,
 * which is text: it is read because the worktree is named as an additional directory too. What is still missing then, its
 * AGENTS.md and the CLAUDE.md of subfolders, the agent is told to read.
 * Not closed: a CLAUDE.md that is a symbolic link is followed wherever it leads, so a text from outside can reach the model.
 * Whoever trusts a repository with all of its `.claude` puts `--setting-sources=user,project` into the `args` of
 * [agents.claude-code]: the last one holds.
 */
const UNTRUSTED = {
  args: ['--setting-sources=user', '--add-dir=.', `--append-system-prompt=${READ_INSTRUCTIONS}`],
  env: {
    CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD: '1',
    // The repository's `.claude/scheduled_tasks.json` would begin turns of its own.
    CLAUDE_CODE_DISABLE_CRON: '1',
  },
}

/** One long-lived process: prompts, answers and interrupts go in as JSON lines, everything it does comes out as such. */
export function toCommand(session: Session): Command {
  return {
    program: session.settings.program ?? 'claude',
    args: [
      '-p',
      '--input-format=stream-json',
      '--output-format=stream-json',
      '--verbose',
      '--include-partial-messages',
      '--permission-prompt-tool=stdio',
      ...UNTRUSTED.args,
      `--permission-mode=${MODES[session.permissionMode]}`,
      ...(session.model === undefined ? [] : [`--model=${session.model}`]),
      ...(session.resume === undefined ? [] : [`--resume=${session.resume.agentSessionId}`]),
      ...session.settings.args,
    ],
    env: {
      ...UNTRUSTED.env,
      // Else it leaves folders in the system's own; only a socket whose path would be too long goes there still.
      CLAUDE_CODE_TMPDIR: session.scratchDir,
      // A command left in the background would outlive the turn that ends the session, and add results of its own.
      CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
      // No self-update under several sessions at work, no telemetry that the user did not ask for.
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    },
    stdin: 'live',
  }
}
