/** How the program is called. Pure. */
import type { Command, Session } from 'troupe/plugin'

/** With a key in its environment Codex uses a provider of its own for it, whoever is signed in; `exec` keeps its process. */
const START =
  'if [ -n "$CODEX_API_KEY" ]; then exec "$0" -c model_provider=openai-api-key "$@"; else exec "$0" "$@"; fi'

/** The app server reads no key from its environment unless a provider names it. */
const API_KEY_PROVIDER = toToml({
  name: 'OpenAI (CODEX_API_KEY)',
  base_url: 'https://api.openai.com/v1',
  env_key: 'CODEX_API_KEY',
  wire_api: 'responses',
})

/**
 * The repository may be hostile. Codex trusts a project as soon as it may write into it, notes that in the user's
 * configuration, and then runs hooks and MCP servers of its `.codex`; so this one is named as untrusted. That leaves out its
 * AGENTS.md too, which the agent is told to read (see modes.ts).
 */
const untrusted = (workDir: string): string => toToml({ [workDir]: { trust_level: 'untrusted' } })

const SETTINGS: Readonly<Record<string, string>> = {
  'model_providers.openai-api-key': API_KEY_PROVIDER,
  // The agent's key is not for the commands that the model runs.
  'shell_environment_policy.exclude': '["CODEX_API_KEY"]',
  // How it asks people.
  'features.default_mode_request_user_input': 'true',
  suppress_unstable_features_warning: 'true',
  // A service that cannot be reached is an error after some attempts, not a silence without end.
  'features.unbounded_connection_retries': 'false',
  // No self-update under several sessions at work, no telemetry that the user did not ask for.
  check_for_update_on_startup: 'false',
  'analytics.enabled': 'false',
}

/** One long-lived process: requests and answers go in as JSON lines, everything it does comes out as such. */
export function toCommand({ settings, workDir }: Session): Command {
  const values = Object.entries({ ...SETTINGS, projects: untrusted(workDir) })
  const options = values.flatMap(([key, value]) => ['-c', `${key}=${value}`])
  const program = settings.program ?? 'codex'
  return { program: 'sh', args: ['-c', START, program, 'app-server', ...options, ...settings.args], stdin: 'live' }
}

type Toml = string | { readonly [key: string]: Toml }

/** An inline table. A text of JSON is one of TOML too, but for a character that paths and constants do not have. */
function toToml(value: Toml): string {
  if (typeof value === 'string') return JSON.stringify(value)
  const pairs = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}=${toToml(part)}`)
  return `{${pairs.join(',')}}`
}
