/** `TROUPE_<SECTION>_<KEY>`: the keys of config.toml as environment variables, for example `TROUPE_CONCURRENCY_MAX_SESSIONS`. */
import { distance } from 'fastest-levenshtein'
import { fail } from '../../core/base/errors.ts'
import type { Environment } from '../data-directory.ts'
import { KEYS, type Key } from './keys.ts'
import { mergeTables, nestTable } from './merge.ts'
import type { Table } from './schema.ts'
import { validate } from './validate.ts'

const PREFIX = 'TROUPE_'
/** Variables with a meaning of their own; anything else that begins with a section's name is a mistake. */
const OTHERS = new Set(['TROUPE_AGENT_SESSION', 'TROUPE_SANDBOX_ID'])
const SECTIONS = new Set(KEYS.map(({ path }) => variable(path.slice(0, 1))))
const LIKELY_TYPO = 4

/**
 * What the environment sets. Lists and tables are JSON; the agent in `TROUPE_AGENTS_CLAUDE_CODE_MODEL` is `claude-code`.
 * @throws TroupeError CONFIG_INVALID, naming the variable
 */
export function environmentConfig(env: Environment): Table {
  let config: Table = {}
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith(PREFIX) || value === undefined || value === '' || OTHERS.has(name)) continue
    const place = locate(name)
    if (!place) assertNoTypo(name)
    else config = mergeTables(config, validate(nestTable(place.path, toValue(name, value, place)), name))
  }
  return config
}

function locate(name: string): Key | undefined {
  for (const { path, kind } of KEYS) {
    const [section = '', star, key = ''] = path
    if (star !== '*') {
      if (variable(path) === name) return { path, kind }
      continue
    }
    const before = `${variable([section])}_`
    const after = `_${key.toUpperCase()}`
    if (!name.startsWith(before) || !name.endsWith(after) || name.length <= before.length + after.length) continue
    return { path: [section, toAgentName(name.slice(before.length, -after.length)), key], kind }
  }
  return undefined
}

const toAgentName = (part: string): string => part.toLowerCase().replaceAll('_', '-')

function toValue(name: string, value: string, { kind }: Key): unknown {
  if (kind === 'text') return value
  if (kind === 'number') return value.trim() === '' || Number.isNaN(Number(value)) ? value : Number(value)
  if (kind === 'boolean')
    return value === 'true' || value === '1' ? true : value === 'false' || value === '0' ? false : value
  try {
    return JSON.parse(value)
  } catch {
    return fail('CONFIG_INVALID', `${name} must be JSON, for example ["--verbose"] or {"NAME":"value"}.`, {
      source: name,
    })
  }
}

/** Other programs may use the prefix too, so only a name in one of our sections, or very like one of ours, is refused. */
function assertNoTypo(name: string): void {
  const known = KEYS.filter(({ path }) => !path.includes('*')).map(({ path }) => variable(path))
  const nearest = known.toSorted((a, b) => distance(a, name) - distance(b, name))[0] ?? ''
  const inSection = [...SECTIONS].some((section) => name.startsWith(`${section}_`))
  if (inSection || distance(nearest, name) < LIKELY_TYPO) {
    fail('CONFIG_INVALID', `${name}: there is no such setting; did you mean ${nearest}?`, { source: name })
  }
}

function variable(path: readonly string[]): string {
  return PREFIX + path.join('_').toUpperCase()
}
