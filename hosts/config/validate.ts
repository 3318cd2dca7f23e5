/** Checks a table against the schema; every problem names its file, its key, what was expected and what was found. */
import type { z } from 'zod'
import { fail } from '../../core/base/errors.ts'
import { dotted, namesBelow, nearestKey } from './keys.ts'
import { type ConfigFile, configFile, isTable } from './schema.ts'

const MOST_PROBLEMS = 5

/**
 * @param source what to call the table in an error: a file, a variable
 * @throws TroupeError CONFIG_INVALID
 */
export function validate(table: unknown, source: string): ConfigFile {
  const checked = configFile.safeParse(table)
  if (checked.success) return checked.data
  const problems = checked.error.issues.flatMap((issue) => describe(issue, table)).slice(0, MOST_PROBLEMS)
  const text = problems.join('; ')
  return fail('CONFIG_INVALID', `${source}: ${text}${text.endsWith('?') ? '' : '.'}`, { source, problems })
}

function describe(issue: z.core.$ZodIssue, table: unknown): string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => unknownKey([...issue.path, key].map(String)))
  const found = at(table, issue.path)
  if (issue.code === 'invalid_key') return [`${dotted(issue.path)}: the name ${issue.issues[0]?.message ?? 'is wrong'}`]
  return [`${dotted(issue.path) || 'the file'} ${expectation(issue)}, found ${show(found)}`]
}

function unknownKey(path: readonly string[]): string {
  const nearest = nearestKey(path)
  const hint =
    nearest === undefined ? `there are ${namesBelow(path.slice(0, -1)).join(', ')}` : `did you mean ${nearest}?`
  return `unknown key ${dotted(path)}; ${hint}`
}

function expectation(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? issue.expected}`
    case 'invalid_value':
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`
    case 'too_small':
      return issue.origin === 'string'
        ? 'must not be empty'
        : `must be ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}`
    case 'too_big':
      return issue.origin === 'string' || issue.origin === 'array'
        ? `must not be longer than ${issue.maximum}`
        : `must be at most ${issue.maximum}`
    default:
      return issue.message
  }
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'text in quotes',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list in [brackets]',
  object: 'a table',
  record: 'a table',
}

const at = (table: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>((value, key) => {
    if (Array.isArray(value)) return value[Number(key)]
    return isTable(value) && Object.hasOwn(value, key) ? value[String(key)] : undefined
  }, table)

/** Short, and never the whole of a value: it may be long. */
function show(value: unknown): string {
  if (Array.isArray(value)) return 'a list'
  if (isTable(value)) return 'a table'
  const text = typeof value === 'string' ? JSON.stringify(value) : String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}
