/** The environment of an agent's processes: an explicit list, never the host's own. Pure. */
import { delimiter, sep } from 'node:path'
import type { Secret } from '../secrets/redact.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** What programs need to work at all: who the user is, where things are, in which language. */
const PASSED_ON = ['HOME', 'USER', 'LOGNAME', 'SHELL', 'LANG', 'LC_ALL', 'LC_CTYPE', 'TZ', 'TMPDIR', 'XDG_RUNTIME_DIR']
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'

/** Some programs read a secret under another name too. */
const ALSO_AS = new Map([
  ['GOOGLE_AI_API_KEY', 'GEMINI_API_KEY'],
  ['GITHUB_TOKEN', 'GH_TOKEN'],
])

const isNpms = (folder: string): boolean => /[\\/](node_modules[\\/]\.bin|node-gyp-bin)$/.test(folder)

/** npm puts the programs of the package that it runs first, and its own; an agent must find the user's. */
function withoutOurs(host: Environment, packageRoot: string): string {
  const byNpm = host['npm_execpath'] !== undefined
  return (host['PATH'] ?? DEFAULT_PATH)
    .split(delimiter)
    .filter((folder) => !(folder + sep).startsWith(`${packageRoot}${sep}node_modules${sep}`))
    .filter((folder) => !(byNpm && isNpms(folder)))
    .join(delimiter)
}

export interface EnvironmentParts {
  readonly host: Environment
  /** Folder of Troupe's own package. */
  readonly packageRoot: string
  /** `[agents.<agent>] env`. */
  readonly configured: Readonly<Record<string, string>>
  readonly secrets: readonly Secret[]
  readonly taskId: string
  readonly sessionId: string
}

/** What every process that Troupe starts for a user gets: detection, set-up and agents. */
export function baseEnvironment(host: Environment, packageRoot: string): Record<string, string> {
  const passed = PASSED_ON.flatMap((name) => (host[name] === undefined ? [] : [[name, host[name]]]))
  return { ...Object.fromEntries(passed), PATH: withoutOurs(host, packageRoot) }
}

export function sessionEnvironment(parts: EnvironmentParts): Record<string, string> {
  const secrets = parts.secrets.map(({ name, value }) => [name, value])
  const also = parts.secrets.map(({ name, value }) => [ALSO_AS.get(name) ?? name, value])
  return {
    ...baseEnvironment(parts.host, parts.packageRoot),
    TERM: 'dumb',
    NO_COLOR: '1',
    GIT_TERMINAL_PROMPT: '0',
    TROUPE_TASK_ID: parts.taskId,
    TROUPE_SESSION_ID: parts.sessionId,
    ...Object.fromEntries(also),
    ...parts.configured,
    ...Object.fromEntries(secrets),
  }
}
