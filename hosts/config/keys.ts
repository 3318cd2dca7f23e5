/** All keys that the schema knows, read off the schema itself. */
import { closest, distance } from 'fastest-levenshtein'
import { z } from 'zod'
import { configFile } from './schema.ts'

export type KeyKind = 'text' | 'number' | 'boolean' | 'json'

export interface Key {
  /** Its place, `*` standing for any name: `['agents', '*', 'model']`. */
  readonly path: readonly string[]
  readonly kind: KeyKind
}

export const KEYS: readonly Key[] = [...walk(configFile, [])]

function* walk(schema: z.core.$ZodType, path: readonly string[]): Generator<Key> {
  if (schema instanceof z.ZodOptional) yield* walk(schema.unwrap(), path)
  else if (schema instanceof z.ZodObject) {
    for (const [name, inner] of Object.entries(schema.shape)) yield* walk(inner, [...path, name])
  } else if (schema instanceof z.ZodRecord && schema.valueType instanceof z.ZodObject) {
    yield* walk(schema.valueType, [...path, '*'])
  } else yield { path, kind: kindOf(schema) }
}

function kindOf(schema: z.core.$ZodType): KeyKind {
  if (schema instanceof z.ZodNumber) return 'number'
  if (schema instanceof z.ZodBoolean) return 'boolean'
  return schema instanceof z.ZodArray || schema instanceof z.ZodRecord ? 'json' : 'text'
}

/** A name that differs in more than this part of its letters is another word. */
const ALIKE = 0.5

/** What was probably meant by an unknown key: the same name elsewhere, or one beside it that is alike. */
export function nearestKey(path: readonly string[]): string | undefined {
  const name = path.at(-1) ?? ''
  const elsewhere = KEYS.find((key) => key.path.at(-1) === name)
  if (elsewhere)
    return dotted(elsewhere.path.map((part) => (part === '*' ? `<${elsewhere.path[0]?.replace(/s$/, '')}>` : part)))
  const parent = path.slice(0, -1)
  const nearest = closest(name, namesBelow(parent))
  return distance(name, nearest) <= ALIKE * nearest.length ? dotted([...parent, nearest]) : undefined
}

/** Known names right below a place. */
export function namesBelow(parent: readonly string[]): string[] {
  const below = KEYS.filter(({ path }) => parent.every((part, at) => path[at] === part || path[at] === '*'))
  return [...new Set(below.flatMap(({ path }) => path[parent.length] ?? []))].filter((part) => part !== '*')
}

export const dotted = (path: readonly PropertyKey[]): string => path.map(String).join('.')
