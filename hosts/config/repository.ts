/**
 * What the `.troupe/config.toml` of a repository may set. Whoever wrote the repository wrote this file too, so it may
 * prepare its own worktree and narrow what is allowed, never widen it:
 *
 * - free: `setup.copy`, `branch.template`, models.
 * - only if the user's own `setup.trust` names the repository: `setup.run`, `sandbox.image` (its programs get the user's keys),
 *   which agent works (`command` runs a prompt as a shell line, and others ask for nothing either), and its arguments (which can
 *   allow it everything).
 * - only stricter than the user's own value: `sandbox.*`, `timeouts.*`, `agents.*.permission_mode`.
 * - never: the program of an agent and its environment (which say where the user's keys go), concurrency, notifications,
 *   automation.
 *
 * What it may not set is ignored with a sentence, which the log of each task shows.
 */
import { lstatSync } from 'node:fs'
import { join } from 'node:path'
import { parseConfig, readConfigText } from './file.ts'
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

interface Trusted {
  /** Why the user is asked first. */
  readonly because: string
}

const actsFreely: Trusted = { because: 'the agent may be one that asks for nothing' }

const RULES: Readonly<Record<string, 'free' | Trusted | Stricter>> = {
  'setup.run': { because: 'it is code of the repository' },
  'sandbox.image': { because: 'the programs of an image get your keys' },
  'agent.execution.agent': actsFreely,
  'agent.planning.agent': actsFreely,
  'agents.*.args': { because: 'arguments can allow an agent everything' },
  'setup.copy': 'free',
  'branch.template': 'free',
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

const folderOf = (repositoryPath: string): string => join(repositoryPath, '.troupe')
const fileOf = (repositoryPath: string): string => join(folderOf(repositoryPath), 'config.toml')

/** The text of a repository's file, if it has one. @throws TroupeError CONFIG_INVALID */
export const readRepositoryText = (repositoryPath: string): string | undefined =>
  isRealFolder(folderOf(repositoryPath)) ? readConfigText(fileOf(repositoryPath), 'refuse') : undefined

/**
 * Keeps what the file of a repository may set.
 * @param own the user's own configuration, defaults included
 * @throws TroupeError CONFIG_INVALID
 */
export function repositoryConfig(repositoryPath: string, text: string | undefined, own: ConfigFile): RepositoryConfig {
  const path = fileOf(repositoryPath)
  let config: Table = {}
  const warnings: string[] = []
  for (const [place, value] of leaves(parseConfig(text, path), [])) {
    const refusal = refusalOf({ place, value, repositoryPath }, own)
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

interface Setting {
  readonly place: readonly string[]
  readonly value: unknown
  readonly repositoryPath: string
}

/** Undefined when the repository may set it. */
function refusalOf({ place, value, repositoryPath }: Setting, own: ConfigFile): string | undefined {
  const rule = RULES[dotted(place[0] === 'agents' ? ['agents', '*', ...place.slice(2)] : place)]
  if (rule === undefined) return 'a repository may not set it; if you want it, put it into your own config.toml'
  if (rule === 'free') return undefined
  if (typeof rule === 'object') {
    if (own.setup?.trust?.includes(repositoryPath)) return undefined
    return `${rule.because}; to allow it, add ${JSON.stringify(repositoryPath)} to [setup] trust in your own config.toml`
  }
  if (rule(value, ownValue(place, own))) return undefined
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
