/** Reading JSON of unknown shape: what is missing or of another type is undefined, never an error. */

import { bounded as cut } from '../../base/cut.ts'

export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

/** Levels of nesting. The host follows values down to their end, on a stack that holds some thousand. */
export const DEEPEST = 500

export const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((part) => isDeeper(part, levels - 1)))

/** Undefined unless `text` is a JSON object; also when it is nested too deeply for any message. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: Json = JSON.parse(text)
    // Each level takes two characters.
    return text.length > 2 * DEEPEST && isDeeper(value, DEEPEST) ? undefined : asObject(value)
  } catch {
    return undefined
  }
}

export const asObject = (value: Json | undefined): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined

export const asArray = (value: Json | undefined): Json[] => (Array.isArray(value) ? value : [])

export const asString = (value: Json | undefined): string | undefined => (typeof value === 'string' ? value : undefined)

export const asNumber = (value: Json | undefined): number | undefined => (typeof value === 'number' ? value : undefined)

export const asObjects = (value: Json | undefined): JsonObject[] =>
  asArray(value)
    .map(asObject)
    .filter((item) => item !== undefined)

/** `text` with at most `limit` characters; what was cut off is named by its length. */
export const bounded = (text: string, limit: number): string => cut(text, limit)
