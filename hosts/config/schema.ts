/** What may stand in a config.toml. Every key is optional; defaults.ts has the values of those that are missing. */
import { z } from 'zod'
import { pluginIsolation } from '../../core/contract/records.ts'
import { permissionMode, sandboxKind } from '../../core/contract/statuses.ts'

const text = z
  .string()
  .min(1)
  .max(4096)
  .refine((value) => !value.includes('\0'), 'must not hold a NUL character')
/** It is an argument of the agent's program, which must not take it for an option. */
const modelName = text.regex(/^[^-]/, 'must not begin with "-"')
const minutes = z.number().min(0).max(525_600)
const agentName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'must be lower-case letters, digits and dashes')
const environmentName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]{0,255}$/, 'must be the name of an environment variable')

/** `512m`, `8g`: a number of bytes with a unit. */
const memory = z.string().regex(/^[1-9][0-9]{0,12}[bkmgt]?$/i, 'must be a size such as "512m" or "8g"')

/** Git's own rules for a branch, as far as they show in the template. */
const branchTemplate = text
  .max(200)
  .regex(/^[^\s~^:?*[\\\p{Cc}]+$/u, 'must not hold spaces, control characters or any of ~ ^ : ? * [ \\')
  .refine((value) => !/^[-/.]|[/.]$|\.\.|\/\/|@\{|\.lock$/.test(value), 'is not the name of a branch')
  .refine(
    (value) => !/\$(?!\{(slug|title|taskId|agent)\})/.test(value),
    'may hold ${slug}, ${title}, ${taskId} and ${agent}, and no other $',
  )
  .refine((value) => /\$\{(taskId|slug|title)\}/.test(value), 'must hold ${taskId}, or all tasks get the same branch')

/** Inside the repository, so that copying never reaches out of it. */
const insidePath = text.refine(
  (value) => !/^([/\\~]|[A-Za-z]:)/.test(value) && !value.split(/[/\\]/).includes('..'),
  'must be a path inside the repository',
)

const agentChoice = z.strictObject({ agent: agentName, model: modelName }).partial()
const agentSettings = z
  .strictObject({
    program: text,
    model: modelName,
    permission_mode: permissionMode,
    args: z.array(z.string().max(32_768)).max(200),
    env: z.record(environmentName, z.string().max(32_768)),
  })
  .partial()

const pluginName = z
  .string()
  .regex(/^(?:@[a-z0-9][a-z0-9._-]*\/)?[a-z0-9][a-z0-9._-]*$/, 'must be the name of a package')
const pluginSettings = z.strictObject({ isolation: pluginIsolation }).partial()

/** What becomes of agents at work when their host ends: their tasks go on in new sessions, or the next host goes on with them. */
export const sessionsAtEnd = z.enum(['end', 'leave'])
export type SessionsAtEnd = z.infer<typeof sessionsAtEnd>

export const configFile = z
  .strictObject({
    agent: z.strictObject({ execution: agentChoice, planning: agentChoice }).partial(),
    agents: z.record(agentName, agentSettings),
    plugins: z.record(pluginName, pluginSettings),
    timeouts: z.strictObject({ idle_minutes: minutes, total_minutes: minutes }).partial(),
    sandbox: z
      .strictObject({
        kind: sandboxKind,
        image: text,
        network: z.enum(['bridge', 'none']),
        memory,
        cpus: z.number().positive().max(4096),
        pids: z.int().min(1).max(4_194_304),
      })
      .partial(),
    concurrency: z.strictObject({ max_sessions: z.int().min(1).max(1000) }).partial(),
    branch: z.strictObject({ template: branchTemplate }).partial(),
    worktree: z.strictObject({ prepared: z.int().min(0).max(16) }).partial(),
    setup: z
      .strictObject({
        copy: z.array(insidePath).max(200),
        run: text.max(32_768),
        trust: z.array(text.regex(/^\//, 'must be an absolute path')).max(1000),
      })
      .partial(),
    retention: z
      .strictObject({
        mode: z.enum(['archive', 'drop']),
        after_days: z.number().min(0).max(36_500),
        max_gb: z.number().min(0).max(1_000_000),
      })
      .partial(),
    notification: z.strictObject({ enabled: z.boolean() }).partial(),
    shutdown: z.strictObject({ sessions: sessionsAtEnd }).partial(),
    composite_task: z.strictObject({ auto_approve: z.boolean() }).partial(),
    automation: z
      .strictObject({
        auto_fix_ci_failures: z.boolean(),
        auto_fix_review_comments: z.boolean(),
        max_auto_fix_attempts: z.int().min(0).max(100),
      })
      .partial(),
  })
  .partial()

/** A config.toml as it stands in the file: snake_case, all optional. */
export type ConfigFile = z.infer<typeof configFile>

/** A table of TOML. */
export type Table = Readonly<Record<string, unknown>>

export const isTable = (value: unknown): value is Table =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
