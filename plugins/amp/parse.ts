/** One line of Amp's output as messages, and the end of its turn. Pure: what it remembers is plain data, passed in and out. */
import {
  type AgentMessage,
  type JsonObject,
  type RunEnd,
  type Usage,
  asNumber,
  asObject,
  asObjects,
  asString,
  parseObject,
} from 'troupe/plugin'
import { toFailure } from './failure.ts'
import { kindOf } from './tools.ts'

export interface ParseState {
  readonly agent: string
  readonly workDir: string
  /** The conversation that was announced by a `start` message. */
  readonly agentSessionId?: string
  /** Tool uses without a result yet: id and name. */
  readonly openTools: readonly (readonly [string, string])[]
  /** Summed over the session. */
  readonly usage: Usage
}

export interface Parsed {
  readonly state: ParseState
  readonly messages: readonly AgentMessage[]
  /** The turn is over. */
  readonly end?: RunEnd
}

export const beginState = (agent: string, workDir: string): ParseState => ({
  agent,
  workDir,
  openTools: [],
  usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0 },
})

type Parse = (state: ParseState, line: JsonObject) => Parsed | undefined

/** A line that no parser places is kept as it is (L6). */
export function parseLine(state: ParseState, text: string): Parsed {
  const line = parseObject(text)
  const parsed = line && PARSERS.get(asString(line['type']) ?? '')?.(state, line)
  return parsed ?? { state, messages: text.trim() === '' ? [] : [raw(text)] }
}

const raw = (content: string): AgentMessage => ({ type: 'raw', stream: 'stdout', content })

const PARSERS = new Map<string, Parse>([
  ['system', parseInit],
  ['assistant', parseAssistant],
  ['user', parseUser],
  ['result', parseResult],
])

/** Comes at the beginning of every turn; only a conversation that is new to us is a start. */
function parseInit(state: ParseState, line: JsonObject): Parsed | undefined {
  const agentSessionId = asString(line['session_id'])
  if (line['subtype'] !== 'init' || agentSessionId === undefined) return undefined
  if (agentSessionId === state.agentSessionId) return { state, messages: [] }
  const workDir = asString(line['cwd']) ?? state.workDir
  return {
    state: { ...state, agentSessionId },
    messages: [{ type: 'start', agent: state.agent, agentSessionId, workDir }],
  }
}

function parseAssistant(state: ParseState, line: JsonObject): Parsed | undefined {
  const message = asObject(line['message'])
  if (!message || !Array.isArray(message['content'])) return undefined
  const blocks = asObjects(message['content'])
  const opened = blocks.flatMap((block) => (block['type'] === 'tool_use' ? [toTool(block)] : []))
  const usage = addUsage(state.usage, asObject(message['usage']) ?? {})
  return { state: { ...state, usage, openTools: [...state.openTools, ...opened] }, messages: blocks.flatMap(toMessage) }
}

const toTool = (block: JsonObject): readonly [string, string] => [
  asString(block['id']) ?? '',
  asString(block['name']) ?? 'unknown',
]

function toMessage(block: JsonObject): AgentMessage[] {
  const text = asString(block['text'])
  if (block['type'] === 'text' && text !== undefined) return text ? [{ type: 'text', content: text }] : []
  const thinking = asString(block['thinking'])
  if (block['type'] === 'thinking' && thinking !== undefined) {
    return thinking ? [{ type: 'thinking', content: thinking }] : []
  }
  const [toolUseId, toolName] = toTool(block)
  if (block['type'] !== 'tool_use' || toolUseId === '') return [raw(JSON.stringify(block))]
  return [{ type: 'toolUse', toolUseId, toolName, input: block['input'] ?? null, kind: kindOf(toolName) }]
}

/** Tokens written to the cache were read as input like others. */
const addUsage = (sum: Usage, used: JsonObject): Usage => ({
  inputTokens:
    sum.inputTokens + (asNumber(used['input_tokens']) ?? 0) + (asNumber(used['cache_creation_input_tokens']) ?? 0),
  outputTokens: sum.outputTokens + (asNumber(used['output_tokens']) ?? 0),
  cacheReadTokens: (sum.cacheReadTokens ?? 0) + (asNumber(used['cache_read_input_tokens']) ?? 0),
})

/** Results of tools. Text in a `user` line is an echo. */
function parseUser(before: ParseState, line: JsonObject): Parsed {
  const results = asObjects(asObject(line['message'])?.['content']).filter(({ type }) => type === 'tool_result')
  return results.reduce<Parsed>(
    ({ state, messages }, block) => {
      const toolUseId = asString(block['tool_use_id'])
      if (toolUseId === undefined) return { state, messages: [...messages, raw(JSON.stringify(block))] }
      const closed = closeTool(state, toolUseId, {
        output: block['content'] ?? '',
        success: block['is_error'] !== true,
      })
      return { state: closed.state, messages: [...messages, ...closed.messages] }
    },
    { state: before, messages: [] },
  )
}

type ToolResult = Pick<Extract<AgentMessage, { type: 'toolResult' }>, 'output' | 'success'>

function closeTool(state: ParseState, toolUseId: string, result: ToolResult): Parsed {
  const toolName = state.openTools.find(([id]) => id === toolUseId)?.[1] ?? 'unknown'
  const openTools = state.openTools.filter(([id]) => id !== toolUseId)
  return { state: { ...state, openTools }, messages: [{ type: 'toolResult', toolUseId, toolName, ...result }] }
}

/** A tool use whose result never came is closed when its turn ends. */
export function closeTools(before: ParseState): Parsed {
  return before.openTools.reduce<Parsed>(
    ({ state, messages }, [id]) => {
      const closed = closeTool(state, id, { output: 'The turn ended before the tool did.', success: false })
      return { state: closed.state, messages: [...messages, ...closed.messages] }
    },
    { state: before, messages: [] },
  )
}

function parseResult(before: ParseState, line: JsonObject): Parsed {
  const { state, messages } = closeTools(before)
  return { state, messages: [...messages, { type: 'usage', ...state.usage }], end: toEnd(line, state.usage) }
}

function toEnd(line: JsonObject, usage: Usage): RunEnd {
  if (line['is_error'] === true) {
    return toFailure(asString(line['subtype']) ?? 'unknown', asString(line['error']) ?? asString(line['result']) ?? '')
  }
  const summary = asString(line['result'])
  return { kind: 'complete', success: true, usage, ...(summary !== undefined && { summary }) }
}
