/** What a plugin hands to its host, checked before it leaves the plugin's thread. */
import { z } from 'zod'
import { fail } from '../base/errors.ts'
import { DEBUG_CHARACTERS, type DetectMethods, type SessionMethods } from './protocol.ts'
import { errorCode, questionKind, questionOption, usage, type QuestionOption } from '../contract/messages.ts'
import { bounded } from './contract/json.ts'

const cut = (limit: number) => (text: string) => bounded(text, limit)

/** What is only shown is cut: it is stored with the session and its task, and everybody who looks at them gets it. */
const shown = z.string().transform(cut(10_000))

const errorEnvelope = z.object({
  code: errorCode,
  message: shown,
  details: z.record(z.string(), z.unknown()).optional(),
})

/** No operating system takes a NUL in an argument or a variable. */
const argument = z.string().refine((text) => !text.includes('\0'), 'holds a NUL character')

export const command = z.object({
  program: argument.min(1),
  args: z.array(argument),
  env: z.record(z.string().regex(/^[^=\0]+$/, 'is not a name of a variable'), argument).optional(),
  cwd: argument.optional(),
  stdin: z.union([z.enum(['none', 'live']), z.object({ content: z.string() })]).optional(),
})

/** A question is stored with every step of its session, and a person shall read it. */
const LONGEST_QUESTION = 32 * 1024
const LONGEST_WORDS = 2_000
const MOST_OPTIONS = 100

const cutOption = ({ label, description }: QuestionOption): QuestionOption => ({
  label: cut(LONGEST_WORDS)(label),
  ...(description !== undefined && { description: cut(LONGEST_WORDS)(description) }),
})

/** What is too long comes from the agent and is cut: to refuse it would be no answer that every agent takes. */
export const ask = z.object({
  key: z.string().min(1).max(200).optional(),
  kind: questionKind,
  question: z.string().transform(cut(LONGEST_QUESTION)),
  options: z
    .array(questionOption)
    .transform((options) => options.slice(0, MOST_OPTIONS).map(cutOption))
    .optional(),
  multiple: z.boolean().optional(),
})

/** Those that people sent and no others, so that there are more of them, or longer ones, is no honest mistake. */
const MOST_UNHEARD_CHARACTERS = 16 * 1024 * 1024

const unheard = z
  .array(z.string())
  .max(1_000)
  .refine((all) => all.reduce((sum, one) => sum + one.length, 0) <= MOST_UNHEARD_CHARACTERS, 'is too long')
  .optional()

export const runEnd = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('complete'),
    success: z.boolean(),
    summary: shown.optional(),
    usage: usage.optional(),
    unheard,
  }),
  z.object({
    kind: z.literal('error'),
    code: errorCode,
    message: shown,
    retryable: z.boolean().optional(),
    resetsAt: z.string().max(100).optional(),
    unheard,
  }),
  z.object({ kind: z.literal('stopped'), unheard }),
])

const number = z.int().min(0)
const wire = number

/** What needs no answer is served at once. All else is called, so that what waits can be counted. */
const notified = z.enum(['withdraw', 'debug', 'failed', 'threw'])

/** What a process sends; the parameters are for who serves the method to check. */
export const wireMessage = z.union([
  z.object({ kind: z.literal('call'), wire, id: number, method: z.string(), params: z.unknown().optional() }),
  z.object({ kind: z.literal('notify'), wire, method: notified, params: z.unknown().optional() }),
  z.object({ kind: z.literal('reply'), wire, id: number, ok: z.literal(true), value: z.unknown().optional() }),
  z.object({ kind: z.literal('reply'), wire, id: number, ok: z.literal(false), error: errorEnvelope }),
  z.object({ kind: z.literal('closed'), wire }),
])

const stream = z.object({ stdout: number, stderr: number })

export const batch = z.object({
  messages: z.array(z.string()),
  progress: z.object({ offsets: z.array(stream).max(10_000), checkpoint: z.json().optional() }),
})

/** The parameters of what a session may call of its host. */
export const sessionParams = {
  spawn: command,
  read: number,
  exited: number,
  write: z.object({ process: number, text: z.string() }),
  signal: z.object({ process: number, name: z.enum(['SIGINT', 'SIGTERM']) }),
  stop: number,
  append: batch,
  delta: z.object({ type: z.enum(['text', 'thinking']), content: z.string() }),
  ask: z.object({ id: number, question: ask }),
  withdraw: number,
  nextFollowUp: z.unknown(),
  debug: z.string().transform(cut(DEBUG_CHARACTERS)),
  failed: errorEnvelope,
} satisfies Record<keyof SessionMethods, z.ZodType>

/** The parameters of what an agent that is looked for may call. */
export const detectParams = {
  find: argument.max(4096),
  run: z.object({ program: argument.max(4096), args: z.array(argument).max(1000) }),
  hasSecret: z.string(),
  fileExists: argument.max(4096),
} satisfies Record<keyof DetectMethods, z.ZodType>

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
