/**
 * What an agent says while it works (`session/update`), as messages. Pure: what is remembered is passed in and out, as plain data.
 * T1 Fragments are shown at once and become one message when something else is said; so are thoughts.
 * T2 A tool use is told once its input is known: ACP announces it empty, and fills it in later.
 * T3 Every tool use that was told gets its result; those that the agent leaves open, at the end of the turn.
 */
import {
  type Json,
  type JsonObject,
  type Spoken,
  type ToolKind,
  type Usage,
  asNumber,
  asObject,
  asObjects,
  asString,
  message,
} from 'troupe/plugin'

/** Fragments that are not a message yet. */
interface Fragments {
  readonly type: 'text' | 'thinking'
  readonly content: string
  /** The agent's own name of the message that they belong to. */
  readonly messageId?: string
}

interface Tool {
  readonly id: string
  readonly name: string
  readonly kind: ToolKind
  readonly input: Json
  readonly told: boolean
  /** A person did not allow it. */
  readonly refused?: boolean
}

export interface Transcript {
  readonly fragments?: Fragments
  /** Those that are at work. */
  readonly tools: readonly Tool[]
  /** The last text of the turn. */
  readonly lastText?: string
  readonly usage: Usage
}

export interface Heard {
  readonly transcript: Transcript
  readonly spoken: readonly Spoken[]
}

/** Well below the size at which Troupe keeps a message's body aside; what is remembered is bounded by it too. */
const LONGEST_TEXT = 16 * 1024

export const emptyTranscript: Transcript = { tools: [], usage: { inputTokens: 0, outputTokens: 0 } }

const only = (transcript: Transcript, ...spoken: Spoken[]): Heard => ({ transcript, spoken })

/** One after the other. */
const then = (first: Heard, next: (transcript: Transcript) => Heard): Heard => {
  const { transcript, spoken } = next(first.transcript)
  return { transcript, spoken: [...first.spoken, ...spoken] }
}

/** What no reader places is kept as it is. */
export function hearUpdate(transcript: Transcript, update: JsonObject): Heard {
  const read = READERS.get(asString(update['sessionUpdate']) ?? '')
  const kept = () => only(transcript, message({ type: 'raw', stream: 'stdout', content: JSON.stringify(update) }))
  return read?.(transcript, update) ?? kept()
}

type Read = (transcript: Transcript, update: JsonObject) => Heard | undefined

const quietly: Read = (transcript) => only(transcript)

const READERS = new Map<string, Read>([
  ['agent_message_chunk', (transcript, update) => hearChunk(transcript, update, 'text')],
  ['agent_thought_chunk', (transcript, update) => hearChunk(transcript, update, 'thinking')],
  ['tool_call', hearTool],
  ['tool_call_update', hearTool],
  ['usage_update', hearCost],
  ['user_message_chunk', quietly],
  ['available_commands_update', quietly],
  ['config_option_update', quietly],
  ['current_mode_update', quietly],
  ['session_info_update', quietly],
])

function hearChunk(before: Transcript, update: JsonObject, type: Fragments['type']): Heard | undefined {
  const content = asString(asObject(update['content'])?.['text'])
  if (content === undefined) return undefined
  const messageId = asString(update['messageId'])
  const { fragments } = before
  const goesOn = fragments?.type === type && fragments.messageId === messageId
  const first = tellKnownTools(before)
  const cleared = goesOn ? first : then(first, flush)
  const soFar = cleared.transcript.fragments?.content ?? ''
  const added = { type, content: `${soFar}${content}`, ...(messageId !== undefined && { messageId }) }
  const heard = then(cleared, (transcript) =>
    only({ ...transcript, fragments: added }, ...(content ? [{ kind: 'delta' as const, type, content }] : [])),
  )
  return added.content.length > LONGEST_TEXT ? then(heard, flush) : heard
}

/** T1 */
export function flush(transcript: Transcript): Heard {
  const { fragments, ...rest } = transcript
  if (!fragments?.content) return only(rest)
  const { type, content } = fragments
  return only(type === 'text' ? { ...rest, lastText: content } : rest, message({ type, content }))
}

function hearTool(before: Transcript, update: JsonObject): Heard | undefined {
  const id = asString(update['toolCallId'])
  if (id === undefined) return undefined
  const known = before.tools.find((tool) => tool.id === id)
  const tool = mergeTool(known, id, update)
  const status = asString(update['status'])
  const ended = status === 'completed' || status === 'failed'
  // An update of what was announced has all that there is; a first word of it may be followed by more. T2
  const complete = ended || status === 'in_progress' || (known !== undefined && hasInput(tool))
  const placed = then(then(tellKnownTools(before, id), flush), (transcript) => only(put(transcript, tool)))
  const told = complete ? then(placed, (transcript) => tell(transcript, id)) : placed
  if (!ended) return told
  return then(told, (transcript) => end(transcript, id, { output: outputOf(update), success: status === 'completed' }))
}

/** What is asked about a tool names it too, and may be the first that is heard of it. */
export function hearPermission(before: Transcript, toolCall: JsonObject): Heard {
  const id = asString(toolCall['toolCallId'])
  if (id === undefined) return only(before)
  const known = before.tools.find((tool) => tool.id === id)
  // What was told stays as it is: some agents describe it in other words when they ask.
  const tool = known?.told ? known : mergeTool(known, id, toolCall)
  return then(
    then(flush(before), (transcript) => only(put(transcript, tool))),
    (transcript) => tell(transcript, id),
  )
}

export const refuseTool = (transcript: Transcript, id: string): Transcript => {
  const tool = transcript.tools.find((one) => one.id === id)
  return tool ? put(transcript, { ...tool, refused: true }) : transcript
}

/** Some agents say an error as if it were their own words, right before they fail with it. */
export function withoutEcho(transcript: Transcript, error: string): Transcript {
  const { fragments, ...rest } = transcript
  return fragments && error.includes(fragments.content.trim()) ? rest : transcript
}

/** The agent's sum goes over the whole conversation; what a session that resumes it costs cannot be told from it. */
export function withoutCost(transcript: Transcript): Transcript {
  const { costUsd: _, ...usage } = transcript.usage
  return { ...transcript, usage }
}

const put = (transcript: Transcript, tool: Tool): Transcript => ({
  ...transcript,
  tools: transcript.tools.some(({ id }) => id === tool.id)
    ? transcript.tools.map((one) => (one.id === tool.id ? tool : one))
    : [...transcript.tools, tool],
})

function mergeTool(known: Tool | undefined, id: string, update: JsonObject): Tool {
  const input = update['rawInput']
  return {
    id,
    name: asString(update['name']) ?? known?.name ?? asString(update['title']) ?? asString(update['kind']) ?? 'unknown',
    kind: KINDS.get(asString(update['kind']) ?? '') ?? known?.kind ?? 'other',
    // An input that was told need not be remembered.
    input: known?.told ? null : (input ?? known?.input ?? null),
    told: known?.told ?? false,
    ...(known?.refused && { refused: true }),
  }
}

const KINDS = new Map<string, ToolKind>([
  ['read', 'read'],
  ['edit', 'edit'],
  ['delete', 'edit'],
  ['move', 'edit'],
  ['search', 'search'],
  ['execute', 'command'],
  ['fetch', 'fetch'],
])

const hasInput = ({ input }: Tool): boolean =>
  input !== null && (typeof input !== 'object' || Object.keys(input).length > 0)

/** T2 */
function tell(transcript: Transcript, id: string): Heard {
  const tool = transcript.tools.find((one) => one.id === id)
  if (!tool || tool.told) return only(transcript)
  const { name, kind, input } = tool
  const use = message({ type: 'toolUse', toolUseId: id, toolName: name, input, kind })
  return only(put(transcript, { ...tool, input: null, told: true }), use)
}

/** When something else is heard, no more of their inputs is to come. */
const tellKnownTools = (transcript: Transcript, but?: string): Heard =>
  transcript.tools
    .filter((tool) => tool.id !== but && hasInput(tool))
    .reduce<Heard>((heard, { id }) => then(heard, (next) => tell(next, id)), only(transcript))

function end(transcript: Transcript, id: string, result: { output: Json; success: boolean }): Heard {
  const toolName = transcript.tools.find((tool) => tool.id === id)?.name ?? 'unknown'
  const tools = transcript.tools.filter((tool) => tool.id !== id)
  return only({ ...transcript, tools }, message({ type: 'toolResult', toolUseId: id, toolName, ...result }))
}

function outputOf(update: JsonObject): Json {
  const blocks = asObjects(update['content'])
  const texts = blocks.flatMap(({ content }) => asString(asObject(content)?.['text']) ?? [])
  return update['rawOutput'] ?? (blocks.length > 0 && texts.length === blocks.length ? texts.join('\n') : blocks)
}

/** The agent's own sum over its conversation. */
function hearCost(before: Transcript, update: JsonObject): Heard {
  const cost = asObject(update['cost'])
  const costUsd = cost?.['currency'] === 'USD' ? asNumber(cost['amount']) : undefined
  const heard = tellKnownTools(before)
  if (costUsd === undefined) return heard
  return then(heard, (transcript) => only({ ...transcript, usage: { ...transcript.usage, costUsd: dollars(costUsd) } }))
}

/** Without the noise that adding binary fractions leaves. */
const dollars = (sum: number): number => Math.round(sum * 1e8) / 1e8

/** Tells what is left of a turn and what it used, if the agent says; `lastText` is its summary. T3 */
export function endTurn(before: Transcript, used: JsonObject | undefined): Heard {
  const told = before.tools.reduce((heard, { id }) => then(heard, (next) => tell(next, id)), flush(before))
  const closed = before.tools.reduce((heard, { id, refused }) => {
    const output = refused ? 'It was not allowed.' : 'The turn ended before the tool did.'
    return then(heard, (next) => end(next, id, { output, success: false }))
  }, told)
  if (!used) return closed
  return then(closed, (transcript) => {
    const usage = addUsage(transcript.usage, used)
    return only({ ...transcript, usage }, message({ type: 'usage', ...usage }))
  })
}

/** Tokens written to the cache were read as input like others. */
function addUsage(sum: Usage, used: JsonObject): Usage {
  const count = (name: string) => asNumber(used[name]) ?? 0
  return {
    ...sum,
    inputTokens: sum.inputTokens + count('inputTokens') + count('cachedWriteTokens'),
    outputTokens: sum.outputTokens + count('outputTokens'),
    cacheReadTokens: (sum.cacheReadTokens ?? 0) + count('cachedReadTokens'),
  }
}
