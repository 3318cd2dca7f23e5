/** Reading JSON of unknown shape: what is missing or of another type is undefined, never an error. */

export type Json = null | boolean | number | string | Json[] | JsonObject
export type JsonObject = { [key: string]: Json }

/** Undefined unless `text` is a JSON object. */
export function parseObject(text: string): JsonObject | undefined {
  try {
    const value: Json = JSON.parse(text)
    return asObject(value)
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
export const bounded = (text: string, limit: number): string =>
  text.length <= limit ? text : `${text.slice(0, limit)}... (${text.length - limit} more characters)`
