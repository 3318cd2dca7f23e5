/** How the program is called. Pure. */
import type { Command, PermissionMode, Session } from 'troupe/plugin'

const MODES: Record<PermissionMode, string> = {
  ask: 'default',
  accept_edits: 'acceptEdits',
  plan: 'plan',
  // Claude Code refuses its own bypass mode to root. We get the same by allowing whatever it asks for (see questions.ts).
  full: 'acceptEdits',
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
      `--permission-mode=${MODES[session.permissionMode]}`,
      ...(session.model === undefined ? [] : [`--model=${session.model}`]),
      ...(session.resume === undefined ? [] : [`--resume=${session.resume.agentSessionId}`]),
      ...session.settings.args,
    ],
    env: {
      // A command left in the background would outlive the turn that ends the session, and add results of its own.
      CLAUDE_CODE_DISABLE_BACKGROUND_TASKS: '1',
      // No self-update under several sessions at work, no telemetry that the user did not ask for.
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    },
    stdin: 'live',
  }
}
