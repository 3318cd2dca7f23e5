/** A tool call folded to a line. */
import type { Json } from '../../../core/base/json.ts'
import type { Message, ToolKind } from '../../../core/contract/messages.ts'
import { lastLines, withoutBlankEnds } from './bounded.ts'
import { duration } from './format.ts'
import { plainLine, plainText } from './sanitize.ts'
import { type Style, proseWidth } from './style.ts'
import { displayWidth, truncate } from './width.ts'

export type ToolUse = Extract<Message, { type: 'toolUse' }>
export type ToolResult = Extract<Message, { type: 'toolResult' }>

const TAIL_LINES = 8

export interface ToolContext {
  /** Paths in it are shown relative to it. */
  readonly workDir: string
  readonly style: Style
}

/** What a tool works on, by the names that agents give it. */
const SUBJECTS: Readonly<Record<ToolKind, readonly string[]>> = {
  read: ['file_path', 'path', 'filePath', 'notebook_path', 'file'],
  edit: ['file_path', 'path', 'filePath', 'notebook_path', 'file'],
  command: ['command', 'cmd', 'script'],
  search: ['pattern', 'query', 'regex', 'path'],
  fetch: ['url', 'query'],
  agent: ['description', 'prompt', 'task'],
  other: ['description', 'title', 'name', 'query', 'path'],
}
const LABELS: Readonly<Record<ToolKind, string>> = {
  read: 'Read',
  edit: 'Edit',
  command: 'Run',
  search: 'Search',
  fetch: 'Fetch',
  agent: 'Agent',
  other: '',
}

/** `Run npm test`: a label and the first line of what the tool works on. */
export function describeTool(use: ToolUse, workDir: string): { label: string; subject: string } {
  const label = use.toolName === 'Write' ? 'Write' : LABELS[use.kind] || plainLine(use.toolName) || 'Tool'
  const [first = '', ...more] = withoutBlankEnds(plainText(subjectOf(use)).split('\n'))
  return { label, subject: relative(plainLine(first), workDir) + (more.length > 0 ? ' …' : '') }
}

/** A finished call, with the end of its output when it failed; without a result, a call that never finished. */
export function toolLines(use: ToolUse, result: ToolResult | undefined, { workDir, style }: ToolContext): string[] {
  const { label, subject } = describeTool(use, workDir)
  const end = outcome(use, result)
  const room = style.width - displayWidth(label) - displayWidth(end.text) - 6
  const mark = style.paint(end.ok === false ? 'red' : 'green', '●')
  const line = [mark, style.paint('bold', label), truncate(subject, room)].filter(Boolean).join(' ')
  const note = end.text && style.paint(end.ok === false ? 'red' : 'dim', end.text)
  const first = note ? `${line}  ${note}` : line
  return result && end.ok === false ? [first, ...tail(result, style)] : [first]
}

function outcome(use: ToolUse, result: ToolResult | undefined): { ok?: boolean; text: string } {
  if (!result) return { text: '(no result yet)' }
  const took = Date.parse(result.at) - Date.parse(use.at)
  const time = use.kind === 'command' && took >= 100 ? duration(took) : ''
  if (!result.success) {
    return { ok: false, text: ['✗', exitText(result.output), time].filter(Boolean).join(' ') }
  }
  const changed = use.kind === 'edit' ? changedLines(use.input) : ''
  return { ok: true, text: use.kind === 'command' ? ['✓', time].filter(Boolean).join(' ') : changed }
}

function tail({ output }: ToolResult, style: Style): string[] {
  if (isObject(output) && Object.keys(output).every((name) => EXIT_FIELDS.has(name))) return []
  const lines = withoutBlankEnds(plainText(outputText(output)).split('\n'))
  const room = proseWidth(style) - 4
  return lastLines(lines, TAIL_LINES).map((line) => `  ${style.paint('dim', `│ ${truncate(line.trimEnd(), room)}`)}`)
}

function subjectOf({ input, kind, toolName }: ToolUse): string {
  if (typeof input === 'string') return input
  if (!isObject(input)) return ''
  for (const name of SUBJECTS[kind]) {
    const value = field(input, name)
    if (typeof value === 'string' && value !== '') return value
    if (Array.isArray(value) && value.length > 0) return value.map(String).join(' ')
  }
  const text = JSON.stringify(input)
  return text === '{}' || kind !== 'other' || toolName === '' ? '' : text
}

/** `+4 −1`, counted from what the edit replaces, where the agent tells it. */
function changedLines(input: Json): string {
  if (!isObject(input)) return ''
  const before = field(input, 'old_string')
  const after = field(input, 'new_string') ?? field(input, 'content')
  if (typeof after !== 'string') return ''
  const { added, removed } = countChanged(toLines(typeof before === 'string' ? before : ''), toLines(after))
  return [...(added > 0 ? [`+${added}`] : []), ...(removed > 0 ? [`−${removed}`] : [])].join(' ')
}

/** Agents repeat lines around the change to say where it is. */
function countChanged(before: readonly string[], after: readonly string[]): { added: number; removed: number } {
  const least = Math.min(before.length, after.length)
  let head = 0
  while (head < least && before[head] === after[head]) head++
  let end = 0
  while (end < least - head && before.at(-1 - end) === after.at(-1 - end)) end++
  return { added: after.length - head - end, removed: before.length - head - end }
}

const toLines = (text: string): string[] => (text === '' ? [] : text.replace(/\n$/, '').split('\n'))

const EXIT_FIELDS = new Set(['exitCode', 'exit_code', 'code', 'signal'])

/** `exit 3` or `SIGTERM`. Agents tell it as a field or in words. */
function exitText(output: Json): string {
  if (isObject(output)) {
    const code = field(output, 'exitCode') ?? field(output, 'exit_code') ?? field(output, 'code')
    if (typeof code === 'number') return `exit ${code}`
    const signal = field(output, 'signal')
    if (typeof signal === 'string') return plainLine(signal).slice(0, 20)
  }
  const told = /exit(?:ed with)? (?:code|status):? (\d{1,3})\b/i.exec(outputText(output).slice(0, 2000))
  return told ? `exit ${told[1]}` : ''
}

/** Agents give text, blocks of text, or an object with the text somewhere in it. */
export function outputText(output: Json): string {
  if (typeof output === 'string') return output
  if (Array.isArray(output)) return output.map(outputText).join('\n')
  if (!isObject(output)) return output === null ? '' : JSON.stringify(output)
  for (const name of ['text', 'output', 'content', 'stderr', 'stdout', 'error', 'message']) {
    const value = field(output, name)
    if (value !== undefined && value !== null && value !== '') return outputText(value)
  }
  return JSON.stringify(output)
}

function relative(path: string, workDir: string): string {
  const folder = plainLine(workDir)
  return folder === '' ? path : path.replaceAll(`${folder}/`, '')
}

type JsonObject = { readonly [key: string]: Json }

const isObject = (value: Json): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const field = (object: JsonObject, name: string): Json | undefined =>
  Object.hasOwn(object, name) ? object[name] : undefined
