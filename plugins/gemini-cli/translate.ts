/** What Gemini CLI says over ACP in a way of its own, as other agents say it. Pure. */
import { type JsonObject, asNumber, asObject, asObjects, asString } from 'troupe/plugin'

/** It says a change of its mode as if it were words of the model. */
const MODE_CHANGE = /^\[MODE_UPDATE\] \w+$/

/** Undefined when it says nothing to people. */
export function translate(said: JsonObject): JsonObject | undefined {
  const words = asString(asObject(said['content'])?.['text'])
  if (said['sessionUpdate'] === 'agent_message_chunk' && MODE_CHANGE.test(words ?? '')) return undefined
  return completeTool(said)
}

/** The name of a tool is the first part of its id, and what it works on is in its title, its locations and its diff. */
function completeTool(said: JsonObject): JsonObject {
  const [name] = asString(said['toolCallId'])?.split('__') ?? []
  const title = asString(said['title'])
  if (!name || title === undefined) return said
  return { ...said, name, rawInput: said['kind'] === 'execute' ? { command: title } : toInput(title, said) }
}

function toInput(title: string, said: JsonObject): JsonObject {
  const paths = asObjects(said['locations']).flatMap(({ path }) => asString(path) ?? [])
  const diffs = asObjects(said['content']).filter(({ type }) => type === 'diff')
  const edits = diffs.map(({ oldText = null, newText = null }) => ({ oldText, newText }))
  return { title, ...(paths.length > 0 && { paths }), ...(edits.length > 0 && { edits }) }
}

/** What a turn used, as ACP names it. */
export function usageOf(result: JsonObject): JsonObject | undefined {
  const tokens = asObject(asObject(asObject(result['_meta'])?.['quota'])?.['token_count'])
  if (!tokens) return undefined
  return { inputTokens: asNumber(tokens['input_tokens']) ?? 0, outputTokens: asNumber(tokens['output_tokens']) ?? 0 }
}
