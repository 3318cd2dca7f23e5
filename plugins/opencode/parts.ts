/** The parts of messages: texts, thoughts, tools, what a step cost. Pure. */
import {
  type Json,
  type JsonObject,
  type OpenTool,
  type ToolKind,
  asNumber,
  asObject,
  asString,
  message,
} from 'troupe/plugin'
import { type Parsed, type ParseState, isOwn, only } from './state.ts'

type ParsePart = (state: ParseState, part: JsonObject) => Parsed

/** Undefined for a part of an unknown kind. */
export function parsePart(state: ParseState, properties: JsonObject): Parsed | undefined {
  const part = asObject(properties['part'])
  // What was said to an agent comes this way too.
  if (!part || state.userMessages.includes(asString(part['messageID']) ?? '')) return part && only(state)
  return PARTS.get(asString(part['type']) ?? '')?.(state, part)
}

const nothing: ParsePart = (state) => only(state)

const PARTS = new Map<string, ParsePart>([
  ['text', (state, part) => parseWords(state, part, 'text')],
  ['reasoning', (state, part) => parseWords(state, part, 'thinking')],
  ['tool', parseTool],
  ['step-start', nothing],
  ['step-finish', countStep],
  ['snapshot', nothing],
  ['patch', nothing],
])

/** Whole when its time has an end. A subagent's words are for the agent and not for people. */
function parseWords(state: ParseState, part: JsonObject, type: 'text' | 'thinking'): Parsed {
  const id = asString(part['id']) ?? ''
  const content = asString(part['text']) ?? ''
  if (!isOwn(state, part)) return only(state)
  const writing = state.writing.filter((other) => other.id !== id)
  const isWhole = asNumber(asObject(part['time'])?.['end']) !== undefined
  if (!isWhole) return only({ ...state, writing: [...writing, { id, type }] })
  const said = { ...state, writing, ...(type === 'text' && content !== '' && { lastText: content }) }
  return only(said, ...(content === '' ? [] : [message({ type, content })]))
}

export function parseDelta(state: ParseState, properties: JsonObject): Parsed {
  const type = state.writing.find(({ id }) => id === properties['partID'])?.type
  const content = asString(properties['delta'])
  return type !== undefined && content ? only(state, { kind: 'delta', type, content }) : only(state)
}

const KINDS = new Map<string, ToolKind>([
  ['bash', 'command'],
  ['edit', 'edit'],
  ['write', 'edit'],
  ['multiedit', 'edit'],
  ['patch', 'edit'],
  ['apply_patch', 'edit'],
  ['read', 'read'],
  ['list', 'read'],
  ['grep', 'search'],
  ['glob', 'search'],
  ['websearch', 'search'],
  ['codesearch', 'search'],
  ['webfetch', 'fetch'],
  ['task', 'agent'],
])

/** Its questions are told as such. */
const QUESTION = 'question'

function parseTool(state: ParseState, part: JsonObject): Parsed {
  const [id, toolName] = [asString(part['id']), asString(part['tool']) ?? 'unknown']
  const tool = asObject(part['state']) ?? {}
  const status = tool['status']
  if (id === undefined || toolName === QUESTION || status === 'pending') return only(state)
  const opened = openTool(state, { toolUseId: id, toolName }, tool['input'] ?? null)
  return status === 'completed' || status === 'error' ? closeTool(opened, { toolUseId: id, toolName }, tool) : opened
}

function openTool(state: ParseState, tool: OpenTool, input: Json): Parsed {
  if (state.openTools.some(({ toolUseId }) => toolUseId === tool.toolUseId)) return only(state)
  const kind = KINDS.get(tool.toolName) ?? 'other'
  return only({ ...state, openTools: [...state.openTools, tool] }, message({ type: 'toolUse', ...tool, input, kind }))
}

function closeTool({ state, events }: Parsed, tool: OpenTool, result: JsonObject): Parsed {
  const openTools = state.openTools.filter(({ toolUseId }) => toolUseId !== tool.toolUseId)
  const output = result['output'] ?? result['error'] ?? null
  const told = message({ type: 'toolResult', ...tool, output, success: succeeded(result) })
  return only({ ...state, openTools }, ...events, told)
}

/** A command that failed, or was ended, is `completed` too. */
function succeeded({ status, metadata }: JsonObject): boolean {
  const exit = asObject(metadata)?.['exit']
  return status === 'completed' && (exit === undefined || exit === 0)
}

/** Of subagents too. */
function countStep(state: ParseState, { tokens, cost }: JsonObject): Parsed {
  const spent = asObject(tokens) ?? {}
  const cache = asObject(spent['cache']) ?? {}
  const { inputTokens, outputTokens, cacheReadTokens = 0, costUsd = 0 } = state.usage
  const usage = {
    // Tokens written to the cache were read as input like others.
    inputTokens: inputTokens + count(spent['input']) + count(cache['write']),
    outputTokens: outputTokens + count(spent['output']) + count(spent['reasoning']),
    cacheReadTokens: cacheReadTokens + count(cache['read']),
    costUsd: dollars(costUsd + count(cost)),
  }
  return only({ ...state, usage })
}

const count = (value: Json | undefined): number => asNumber(value) ?? 0

/** Without the noise that adding binary fractions leaves. */
const dollars = (sum: number): number => Math.round(sum * 1e8) / 1e8
