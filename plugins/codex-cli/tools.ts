/** The items of Codex that are uses of tools. Pure. */
import { type Json, type JsonObject, type ToolKind, asObject, asObjects, asString } from 'troupe/plugin'

export interface Tool {
  readonly id: string
  readonly toolName: string
  readonly kind: ToolKind
  readonly input: Json
  /** What came of it so far. */
  readonly output: Json
}

type Form = Omit<Tool, 'id'>

/** Undefined when the item is no use of a tool, or of one that is not known. */
export function toTool(item: JsonObject): Tool | undefined {
  const id = asString(item['id'])
  const form = FORMS.get(asString(item['type']) ?? '')
  return id === undefined || !form ? undefined : { id, ...form(item) }
}

const FORMS = new Map<string, (item: JsonObject) => Form>([
  [
    'commandExecution',
    (item) => ({
      toolName: 'shell',
      kind: 'command',
      input: pick(item, 'command', 'cwd'),
      output: asString(item['aggregatedOutput']) ?? asString(item['status']) ?? '',
    }),
  ],
  [
    'fileChange',
    (item) => ({ toolName: 'apply_patch', kind: 'edit', input: pick(item, 'changes'), output: item['status'] ?? '' }),
  ],
  [
    'mcpToolCall',
    (item) => ({
      toolName: `mcp__${asString(item['server']) ?? ''}__${asString(item['tool']) ?? ''}`,
      kind: 'other',
      input: item['arguments'] ?? null,
      output: asString(asObject(item['error'])?.['message']) ?? toText(asObject(item['result'])?.['content']),
    }),
  ],
  [
    'dynamicToolCall',
    (item) => ({
      toolName: asString(item['tool']) ?? 'unknown',
      kind: 'other',
      input: item['arguments'] ?? null,
      output: toText(item['contentItems']),
    }),
  ],
  [
    'collabAgentToolCall',
    (item) => ({
      toolName: asString(item['tool']) ?? 'unknown',
      kind: 'agent',
      input: pick(item, 'prompt', 'model', 'receiverThreadIds'),
      output: item['agentsStates'] ?? null,
    }),
  ],
  [
    'webSearch',
    (item) => ({
      toolName: 'web_search',
      kind: 'search',
      input: pick(item, 'query', 'action'),
      output: item['results'] ?? null,
    }),
  ],
  [
    'imageView',
    (item) => ({
      toolName: 'view_image',
      kind: 'read',
      input: pick(item, 'path'),
      output: asString(item['path']) ?? '',
    }),
  ],
])

const pick = (item: JsonObject, ...keys: readonly string[]): Json =>
  Object.fromEntries(keys.flatMap((key) => (item[key] === undefined ? [] : [[key, item[key]]])))

/** Blocks of text are joined, anything else stays as it is. */
function toText(content: Json | undefined): Json {
  const blocks = asObjects(content)
  const texts = blocks.flatMap(({ text }) => asString(text) ?? [])
  return blocks.length > 0 && texts.length === blocks.length ? texts.join('\n') : (content ?? null)
}
