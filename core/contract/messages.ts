/** What agents say, normalized: one discriminated union on `type`. */
import { z } from 'zod'
import { ERRORS, isErrorCode } from '../base/errors.ts'

export const usage = z.object({
  inputTokens: z.number(),
  outputTokens: z.number(),
  cacheReadTokens: z.number().optional(),
  costUsd: z.number().optional(),
})
/** Tokens and cost in US dollars, as the agent reports them, summed over its session. */
export type Usage = z.infer<typeof usage>

export const toolKind = z.enum(['read', 'edit', 'command', 'search', 'fetch', 'agent', 'other'])
export type ToolKind = z.infer<typeof toolKind>

export const questionKind = z.enum(['question', 'permission', 'plan'])
export type QuestionKind = z.infer<typeof questionKind>

export const questionOption = z.object({ label: z.string(), description: z.string().optional() })
export type QuestionOption = z.infer<typeof questionOption>

export const errorCode = z.enum(Object.keys(ERRORS).filter(isErrorCode))

const bodies = {
  start: z.object({
    type: z.literal('start'),
    agent: z.string(),
    agentVersion: z.string().optional(),
    model: z.string().optional(),
    /** The agent's own conversation id; what resume needs. */
    agentSessionId: z.string().optional(),
    workDir: z.string(),
  }),
  text: z.object({ type: z.literal('text'), content: z.string() }),
  thinking: z.object({ type: z.literal('thinking'), content: z.string() }),
  toolUse: z.object({
    type: z.literal('toolUse'),
    toolUseId: z.string(),
    toolName: z.string(),
    input: z.json(),
    kind: toolKind,
  }),
  toolResult: z.object({
    type: z.literal('toolResult'),
    toolUseId: z.string(),
    toolName: z.string(),
    output: z.json(),
    success: z.boolean(),
  }),
  userMessage: z.object({ type: z.literal('userMessage'), content: z.string() }),
  userQuestion: z.object({
    type: z.literal('userQuestion'),
    questionId: z.string(),
    kind: questionKind,
    question: z.string(),
    options: z.array(questionOption).optional(),
    multiple: z.boolean().optional(),
  }),
  userAnswer: z.object({
    type: z.literal('userAnswer'),
    questionId: z.string(),
    answer: z.string(),
    by: z.string(),
  }),
  usage: usage.extend({ type: z.literal('usage') }),
  complete: z.object({
    type: z.literal('complete'),
    success: z.boolean(),
    summary: z.string().optional(),
    usage: usage.optional(),
    costUsd: z.number().optional(),
    durationMs: z.number(),
  }),
  error: z.object({
    type: z.literal('error'),
    message: z.string(),
    code: errorCode.optional(),
    retryable: z.boolean().optional(),
    /** When a quota is full again; ISO 8601, UTC. */
    resetsAt: z.string().optional(),
  }),
  /** Anything a plugin could not place; kept, never dropped (L6). */
  raw: z.object({ type: z.literal('raw'), stream: z.string(), content: z.string() }),
}

export const messageBody = z.discriminatedUnion('type', [
  bodies.start,
  bodies.text,
  bodies.thinking,
  bodies.toolUse,
  bodies.toolResult,
  bodies.userMessage,
  bodies.userQuestion,
  bodies.userAnswer,
  bodies.usage,
  bodies.complete,
  bodies.error,
  bodies.raw,
])
/** A message before it is numbered. */
export type MessageBody = z.infer<typeof messageBody>
export type MessageType = MessageBody['type']
export const messageType = z.enum(messageBody.options.map(({ shape }) => shape.type.value))

export const messageHead = z.object({
  sessionId: z.string(),
  /** From 1, gapless within its session (L1). */
  seq: z.number().int().positive(),
  /** ISO 8601, UTC. */
  at: z.string(),
  /** Present when the body was over 64 KiB: its size in bytes; what is here is a preview, `getMessageBody` has all. */
  fullBytes: z.number().int().optional(),
})

export const message = z.intersection(messageHead, messageBody)
/** A message of the log. */
export type Message = z.infer<typeof messageHead> & MessageBody

export const delta = z.object({
  sessionId: z.string(),
  type: z.enum(['text', 'thinking']),
  content: z.string(),
  delta: z.literal(true),
})
/** A live fragment: shown, superseded by the whole message, never stored. */
export type Delta = z.infer<typeof delta>
