/** A line of output to a message: a script may speak Troupe's own messages, one JSON object a line. */
import type { AgentMessage, OutputLine } from 'troupe/plugin'

type Check = (value: unknown) => boolean
type Fields = Readonly<Record<string, Check>>

const text: Check = (value) => typeof value === 'string'
const number: Check = (value) => Number.isFinite(value)
const truth: Check = (value) => typeof value === 'boolean'
/** What comes from JSON is JSON, so it only has to be there, and not so deep that whoever walks through it falls. */
const present: Check = (value) => value !== undefined && isShallow(value, 64)

const isShallow = (value: unknown, levels: number): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (levels > 0 && Object.values(value).every((part) => isShallow(part, levels - 1)))
const toolKind: Check = (value) =>
  ['read', 'edit', 'command', 'search', 'fetch', 'agent', 'other'].some((kind) => kind === value)
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value)

const FIELDS: ReadonlyMap<unknown, Fields> = new Map<AgentMessage['type'], Fields>([
  [
    'start',
    { agent: text, agentVersion: optional(text), model: optional(text), agentSessionId: optional(text), workDir: text },
  ],
  ['text', { content: text }],
  ['thinking', { content: text }],
  ['toolUse', { toolUseId: text, toolName: text, input: present, kind: toolKind }],
  ['toolResult', { toolUseId: text, toolName: text, output: present, success: truth }],
  [
    'usage',
    { inputTokens: number, outputTokens: number, cacheReadTokens: optional(number), costUsd: optional(number) },
  ],
  // Codes are Troupe's to give: a line with one is shown as it is.
  ['error', { message: text, code: optional(() => false), retryable: optional(truth), resetsAt: optional(text) }],
  ['raw', { stream: text, content: text }],
])

/** The message that the line is, or undefined when it is plain output. */
export function parseMessage({ stream, text: line }: OutputLine): AgentMessage | undefined {
  if (stream !== 'stdout' || !line.startsWith('{')) return undefined
  try {
    const value: unknown = JSON.parse(line)
    return isMessage(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isMessage(value: unknown): value is AgentMessage {
  if (typeof value !== 'object' || value === null || !('type' in value)) return false
  const fields = FIELDS.get(value.type)
  if (!fields) return false
  const given = new Map<string, unknown>(Object.entries(value))
  return Object.entries(fields).every(([name, check]) => check(given.get(name)))
}

/** Lines of one stream as a message: what a program prints is what it says; stderr is kept as it is. */
export const toMessage = (stream: OutputLine['stream'], content: string): AgentMessage =>
  stream === 'stdout' ? { type: 'text', content } : { type: 'raw', stream, content }
