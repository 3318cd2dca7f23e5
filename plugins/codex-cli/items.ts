/** The items of a turn: what the model said, which tools it used, what came of them. Pure. */
import {
  type Json,
  type JsonObject,
  asArray,
  asNumber,
  asObject,
  asObjects,
  asString,
  bounded,
  message,
} from 'troupe/plugin'
import { type Parsed, type ParseState, type ParsedEvent, only } from './state.ts'
import { type Tool, toTool } from './tools.ts'

const LONGEST_SUBJECT = 2000

/** Undefined for an item of an unknown kind. */
export function parseStarted(state: ParseState, item: JsonObject): Parsed | undefined {
  const tool = toTool(item)
  if (tool) return openTool(state, tool)
  const clientId = asString(item['clientId'])
  if (item['type'] === 'userMessage' && clientId !== undefined) return only(state, { kind: 'heard', id: clientId })
  return SAYINGS.has(asString(item['type']) ?? '') ? only(state) : undefined
}

/** @param own Of the conversation itself; else of a subagent, whose words are for the agent and not for people. */
export function parseCompleted(state: ParseState, item: JsonObject, own: boolean): Parsed | undefined {
  const tool = toTool(item)
  if (tool) return closeTool(state, tool, item)
  return own ? SAYINGS.get(asString(item['type']) ?? '')?.(state, item) : undefined
}

const SAYINGS = new Map<string, (state: ParseState, item: JsonObject) => Parsed>([
  ['userMessage', (state) => only(state)],
  ['agentMessage', parseText],
  ['plan', parsePlan],
  ['reasoning', parseReasoning],
])

function parseText(state: ParseState, item: JsonObject): Parsed {
  const content = asString(item['text']) ?? ''
  if (content === '') return only(state)
  const questions = asObjects(item['questions']).map((asked, index): ParsedEvent => {
    const options = asArray(asked['options']).flatMap((option) => asString(option) ?? [])
    const id = `${asString(item['id']) ?? ''}/${index}`
    return { kind: 'ask', request: { kind: 'question', id, question: asString(asked['title']) ?? content, options } }
  })
  return only({ ...state, lastText: content }, message({ type: 'text', content }), ...questions)
}

/** People are asked when its turn is over: an answer before would still belong to the turn that plans. */
function parsePlan(state: ParseState, item: JsonObject): Parsed {
  const plan = (asString(item['text']) ?? '').trim()
  if (plan === '') return only(state)
  return only(
    { ...state, lastText: plan, plan: { id: asString(item['id']) ?? '', text: plan } },
    message({ type: 'text', content: plan }),
  )
}

function parseReasoning(state: ParseState, item: JsonObject): Parsed {
  const parts = [item['summary'], item['content']].map((part) => asArray(part).flatMap((text) => asString(text) ?? []))
  const content = (parts.find((texts) => texts.length > 0) ?? []).join('\n\n')
  return content === '' ? only(state) : only(state, message({ type: 'thinking', content }))
}

function openTool(state: ParseState, { id, toolName, input, kind }: Tool): Parsed {
  if (state.openTools.some(({ toolUseId }) => toolUseId === id)) return only(state)
  const subject = bounded(toSubject(input), LONGEST_SUBJECT)
  const openTools = [...state.openTools, { toolUseId: id, toolName, subject }]
  return only({ ...state, openTools }, message({ type: 'toolUse', toolUseId: id, toolName, input, kind }))
}

/** An item that is told only when it is over begins then too. */
function closeTool(before: ParseState, tool: Tool, item: JsonObject): Parsed {
  const { state, events } = openTool(before, tool)
  const openTools = state.openTools.filter(({ toolUseId }) => toolUseId !== tool.id)
  const { id: toolUseId, toolName, output } = tool
  const result = message({ type: 'toolResult', toolUseId, toolName, output, success: succeeded(item) })
  return only({ ...state, openTools }, ...events, result)
}

function succeeded(item: JsonObject): boolean {
  const status = asString(item['status']) ?? 'completed'
  const exitCode = asNumber(item['exitCode']) ?? 0
  return status === 'completed' && exitCode === 0 && item['success'] !== false && !asObject(item['error'])
}

/** What people need to know of a tool use that they are asked about. */
function toSubject(input: Json): string {
  const fields = asObject(input) ?? {}
  const paths = asObjects(fields['changes']).map((change) => {
    const kind = asString(asObject(change['kind'])?.['type']) ?? 'change'
    return `${kind} ${asString(change['path']) ?? ''}`
  })
  return asString(fields['command']) ?? (paths.length > 0 ? paths.join('\n') : JSON.stringify(input))
}
