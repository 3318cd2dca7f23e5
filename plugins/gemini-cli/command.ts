/** How the program is called. Pure. */
import type { Command, Session } from 'troupe/plugin'

/**
 * What Gemini CLI would take from a `.env` of a repository that it does not trust, if it was not set: with a stranger's key or
 * project, the stranger may read along.
 */
const OF_THE_USER = ['GEMINI_API_KEY', 'GOOGLE_API_KEY', 'GOOGLE_CLOUD_PROJECT', 'GOOGLE_CLOUD_LOCATION']

/** A shell sets what depends on the session's secrets, which are not known here. */
const SECRETS = [
  ...OF_THE_USER.map((name) => `export ${name}="\${${name}-}"`),
  // Who never chose a way to sign in could begin a conversation with a key, but not resume it. To name the service is to choose.
  '[ -z "$GEMINI_API_KEY" ] || export GOOGLE_GEMINI_BASE_URL="${GOOGLE_GEMINI_BASE_URL-https://generativelanguage.googleapis.com}"',
]

/**
 * The file of a conversation is named by the minute in which it began, and whoever resumes it within that minute overwrites it.
 * So that minute is waited for.
 */
const WAIT_FOR_ITS_MINUTE = [
  'began() { ls "${GEMINI_CLI_HOME-$HOME}"/.gemini/tmp/*/chats/"session-$(date -u +%Y-%m-%dT%H-%M)-$1".*; }',
  'while began "$1" >/dev/null 2>&1; do sleep 0.5; done',
  'shift',
]

/** `exec` keeps the shell's process. */
const EXEC = 'exec "$0" "$@"'

/**
 * The repository may be hostile. In a folder that it does not trust, Gemini CLI loads no settings, hooks, MCP servers, extensions,
 * skills, agents, policies and commands of its `.gemini`, and asks before every git command. But it also connects to no MCP server of
 * the user then, nor to the session's question server, and does not read GEMINI.md, which it is told to do (see agent.ts).
 * Not closed: a `.gemini/settings.json` that is not JSON keeps Gemini CLI from starting, with an error that says so.
 * Whoever trusts all repositories with all of their `.gemini` puts `--skip-trust` into the `args` of [agents.gemini-cli]. The
 * option alone comes too late for some of the files.
 */
const toTrust = (args: readonly string[]) => ({ GEMINI_CLI_TRUST_WORKSPACE: String(args.includes('--skip-trust')) })

/** One long-lived process that speaks ACP on its standard input and output. */
export const toCommand = ({ settings, model, resume }: Session): Command => ({
  program: 'sh',
  args: [
    '-c',
    [...SECRETS, ...(resume ? WAIT_FOR_ITS_MINUTE : []), EXEC].join('\n'),
    settings.program ?? 'gemini',
    ...(resume ? [resume.agentSessionId.slice(0, 8)] : []),
    '--acp',
    ...(model === undefined ? [] : [`--model=${model}`]),
    ...settings.args,
  ],
  env: {
    ...toTrust(settings.args),
    // Else a second process does the work, and signals to the first do nothing.
    GEMINI_CLI_NO_RELAUNCH: 'true',
    // Over ACP it tells the output of a command only when that has no terminal.
    GEMINI_PTY_INFO: 'child_process',
    NO_COLOR: '1',
  },
  stdin: 'live',
})
