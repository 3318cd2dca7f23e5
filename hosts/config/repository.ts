/**
 * What the `.troupe/config.toml` of a repository may set. Whoever wrote the repository wrote this file too, so it may
 * prepare its own worktree and narrow what is allowed, never widen it:
 *
 * - free: `setup.copy`, `branch.template`, `sandbox.image`, models.
 * - `setup.run` only if the user's own `setup.trust` names the repository: it is code that runs before anybody was asked.
 * - only stricter than the user's own value: `sandbox.*`, `timeouts.*`, `agents.*.permission_mode`.
 * - never: which agent works (`command` would run a prompt as a shell line), its program, arguments and environment,
 *   concurrency, notifications, automation. These are ignored with a warning.
 */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { readConfigFile } from './file.ts'
import { dotted } from './keys.ts'
import { mergeTables, nestTable } from './merge.ts'
import { type ConfigFile, type Table, isTable } from './schema.ts'

/** Says whether `wanted` narrows `own`. */
type Stricter = (wanted: unknown, own: unknown) => boolean

const ranked =
  (...fromStrict: readonly string[]): Stricter =>
  (wanted, own) =>
    fromStrict.indexOf(String(wanted)) <= fromStrict.indexOf(String(own))

/** Undefined means no limit. */
const smaller =
  (size: (value: unknown) => number): Stricter =>
  (wanted, own) =>
    own === undefined || size(wanted) <= size(own)

const minutes = (value: unknown): number => (value === 0 ? Infinity : Number(value))

const UNITS: Readonly<Record<string, number>> = { b: 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 }
const bytes = (value: unknown): number => {
  const text = String(value).toLowerCase()
  return Number.parseInt(text, 10) * (UNITS[text.at(-1) ?? ''] ?? 1)
}

const RULES: Readonly<Record<string, 'free' | Stricter>> = {
  'setup.copy': 'free',
  'branch.template': 'free',
  'sandbox.image': 'free',
  'agent.execution.model': 'free',
  'agent.planning.model': 'free',
  'agents.*.model': 'free',
  'agents.*.permission_mode': ranked('plan', 'ask', 'accept_edits', 'full'),
  'sandbox.kind': (wanted, own) => own === 'process' || wanted === own,
  'sandbox.network': ranked('none', 'bridge'),
  'sandbox.memory': smaller(bytes),
  'sandbox.cpus': smaller(Number),
  'sandbox.pids': smaller(Number),
  'timeouts.idle_minutes': smaller(minutes),
  'timeouts.total_minutes': smaller(minutes),
}

/** The permission mode of an agent for which the user set none. */
export const DEFAULT_PERMISSION_MODE = 'accept_edits'

export interface RepositoryConfig {
  readonly config: Table
  /** One sentence for each key that was ignored. */
  readonly warnings: readonly string[]
}

/**
 * Reads the file of a repository and keeps what it may set.
 * @param own the user's own configuration, defaults included
 * @throws TroupeError CONFIG_INVALID
 */
export function repositoryConfig(repositoryPath: string, own: ConfigFile): RepositoryConfig {
  const folder = join(repositoryPath, '.troupe')
  const path = join(folder, 'config.toml')
  if (!isRealFolder(folder)) return { config: {}, warnings: [] }
  let config: Table = {}
  const warnings: string[] = []
  for (const [place, value] of leaves(readConfigFile(path, 'refuse'), [])) {
    const refusal = dotted(place) === 'setup.run' ? distrust(repositoryPath, own) : refusalOf(place, value, own)
    if (refusal) warnings.push(`${path}: ${dotted(place)} is ignored: ${refusal}.`)
    else config = mergeTables(config, nestTable(place, value))
  }
  return { config, warnings }
}

/** A link could lead to a file that is not the repository's. */
function isRealFolder(path: string): boolean {
  try {
    return lstatSync(path).isDirectory()
  } catch {
    return false
  }
}

/** Undefined when the user trusts the repository to run code of its own. */
function distrust(repositoryPath: string, own: ConfigFile): string | undefined {
  if (own.setup?.trust?.includes(repositoryPath)) return undefined
  return `it is code of the repository; to let it run, add ${JSON.stringify(repositoryPath)} to [setup] trust in your own config.toml`
}

function refusalOf(place: readonly string[], value: unknown, own: ConfigFile): string | undefined {
  const rule = RULES[dotted(place[0] === 'agents' ? ['agents', '*', ...place.slice(2)] : place)]
  if (rule === undefined) return 'a repository may not set it'
  if (rule === 'free' || rule(value, ownValue(place, own))) return undefined
  return 'a repository may only be stricter than your own configuration'
}

const ownValue = (place: readonly string[], own: ConfigFile): unknown =>
  place.reduce<unknown>((value, key) => (isTable(value) && Object.hasOwn(value, key) ? value[key] : undefined), own) ??
  (place.at(-1) === 'permission_mode' ? DEFAULT_PERMISSION_MODE : undefined)

function* leaves(table: Table, path: readonly string[]): Generator<[readonly string[], unknown]> {
  for (const [key, value] of Object.entries(table)) {
    if (isTable(value)) yield* leaves(value, [...path, key])
    else yield [[...path, key], value]
  }
}
