/** What a plugin hands to its host, checked before it leaves the plugin's thread. */
import { z } from 'zod'
import { fail } from '../base/errors.ts'
import { errorCode, questionKind, questionOption, usage } from '../contract/messages.ts'

/** No operating system takes a NUL in an argument or a variable. */
const argument = z.string().refine((text) => !text.includes('\0'), 'holds a NUL character')

export const command = z.object({
  program: argument.min(1),
  args: z.array(argument),
  env: z.record(z.string().regex(/^[^=\0]+$/, 'is not a name of a variable'), argument).optional(),
  cwd: argument.optional(),
  stdin: z.union([z.enum(['none', 'live']), z.object({ content: z.string() })]).optional(),
})

export const ask = z.object({
  key: z.string().min(1).max(200).optional(),
  kind: questionKind,
  question: z.string(),
  options: z.array(questionOption).optional(),
  multiple: z.boolean().optional(),
})

export const runEnd = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('complete'),
    success: z.boolean(),
    summary: z.string().optional(),
    usage: usage.optional(),
    unheard: z.array(z.string()).optional(),
  }),
  z.object({
    kind: z.literal('error'),
    code: errorCode,
    message: z.string(),
    retryable: z.boolean().optional(),
    resetsAt: z.string().optional(),
  }),
  z.object({ kind: z.literal('stopped') }),
])

/**
 * `value` as the schema has it; `what` begins the sentence of the error.
 * @throws TroupeError PLUGIN_MESSAGE with the path of the field that is wrong.
 */
export function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const valid = validate(schema, value)
  if (typeof valid === 'string') fail('PLUGIN_MESSAGE', `${what} is not what the plugin contract allows: ${valid}.`)
  return valid.data
}

function validate<T>(schema: z.ZodType<T>, value: unknown): string | { readonly data: T } {
  try {
    const result = schema.safeParse(value)
    return result.success ? result : firstIssue(result.error)
  } catch (error) {
    // A schema that follows a value down to its end may run out of stack, and getters of a plugin may throw.
    return error instanceof RangeError ? 'it is nested too deeply' : String(error)
  }
}

/** The first issue as `path: message`. */
export function firstIssue(error: z.ZodError): string {
  const issue = error.issues[0]
  if (!issue) return 'it is invalid'
  const message = (issue.code === 'invalid_key' && issue.issues[0]?.message) || issue.message
  return issue.path.length > 0 ? `${issue.path.map(String).join('.')}: ${message}` : message
}
