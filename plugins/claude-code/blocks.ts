/** The content of `assistant` and `user` lines: what the model said, which tools it used, what came of them. Pure. */
import { type Json, type JsonObject, type OpenTool, asObject, asObjects, asString, message, raw } from 'troupe/plugin'
import { type Parsed, type ParsedEvent, type ParseState, toOutput } from './state.ts'
import { kindOf } from './tools.ts'

const contentOf = (line: JsonObject): Json | undefined => asObject(line['message'])?.['content']

export function parseAssistant(state: ParseState, line: JsonObject): Parsed | undefined {
  if (line['is_api_error_message'] === true) return parseApiError(state, line)
  const content = contentOf(line)
  if (!Array.isArray(content)) return undefined
  return asObjects(content).reduce<Parsed>(addBlock, { state, events: [] })
}

function addBlock({ state, events }: Parsed, block: JsonObject): Parsed {
  const open = openedBy(block)
  const next = open ? { ...state, openTools: [...state.openTools, open] } : state
  return { state: next, events: [...events, ...toEvents(block)] }
}

function openedBy(block: JsonObject): OpenTool | undefined {
  const toolUseId = asString(block['id'])
  if (block['type'] !== 'tool_use' || toolUseId === undefined) return undefined
  return { toolUseId, toolName: asString(block['name']) ?? 'unknown' }
}

function toEvents(block: JsonObject): ParsedEvent[] {
  const text = asString(block['text'])
  if (block['type'] === 'text' && text !== undefined) return text ? [message({ type: 'text', content: text })] : []
  const thinking = asString(block['thinking'])
  if (block['type'] === 'thinking' && thinking !== undefined) {
    return thinking ? [message({ type: 'thinking', content: thinking })] : []
  }
  const tool = openedBy(block)
  if (!tool) return raw(JSON.stringify(block))
  return [message({ type: 'toolUse', ...tool, input: block['input'] ?? null, kind: kindOf(tool.toolName) })]
}

/** Not the agent's words. The agent's own error ends its turn and is in the result; a subagent's is only here. */
function parseApiError(state: ParseState, line: JsonObject): Parsed {
  const apiError = asString(line['error'])
  if (asString(line['parent_tool_use_id']) === undefined) {
    return { state: { ...state, ...(apiError !== undefined && { apiError }) }, events: [] }
  }
  const text = asString(toOutput(contentOf(line), asObjects(contentOf(line)))) ?? apiError ?? 'unknown'
  const error = { type: 'error' as const, message: `A subagent failed: ${text}`, retryable: true }
  return { state, events: [message({ ...error, code: 'AGENT_API' })] }
}

/** Results of tools. Text in a `user` line is an echo, or what Claude Code tells the model by itself: not for people. */
export function parseUser(state: ParseState, line: JsonObject): Parsed {
  const results = asObjects(contentOf(line)).filter(({ type }) => type === 'tool_result')
  return results.reduce<Parsed>(addResult, { state, events: [] })
}

function addResult({ state, events }: Parsed, block: JsonObject): Parsed {
  const toolUseId = asString(block['tool_use_id'])
  if (toolUseId === undefined) return { state, events: [...events, ...raw(JSON.stringify(block))] }
  const result = message({
    type: 'toolResult',
    toolUseId,
    toolName: state.openTools.find((tool) => tool.toolUseId === toolUseId)?.toolName ?? 'unknown',
    output: toOutput(block['content'], asObjects(block['content'])),
    success: block['is_error'] !== true,
  })
  const openTools = state.openTools.filter((tool) => tool.toolUseId !== toolUseId)
  return { state: { ...state, openTools }, events: [...events, result] }
}
