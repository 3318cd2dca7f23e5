/** The words of a schema: what its values have in common, whoever wrote them. */
import { z } from 'zod'

/** Names of fields, and texts that are the only ones or among the few that may stand somewhere. */
export const wordsOf = (schema: z.ZodType): readonly string[] => [...new Set(inSchema(z.toJSONSchema(schema)))]

function inSchema(part: unknown): string[] {
  if (typeof part !== 'object' || part === null) return []
  return Object.entries(part).flatMap(([keyword, value]: [string, unknown]) => {
    if (keyword === 'const' || keyword === 'enum') return [value].flat().filter((word) => typeof word === 'string')
    const names = keyword === 'properties' && typeof value === 'object' && value !== null ? Object.keys(value) : []
    return [...names, ...inSchema(value)]
  })
}
