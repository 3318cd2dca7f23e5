/** What MCP servers ask people by way of Codex. One that wants data shows its schema, and takes a JSON object for it. Pure. */
import { type Ask, type Json, type JsonObject, asObject, asString, bounded, parseObject } from 'troupe/plugin'
import { type Form, LONGEST_DETAIL } from './form.ts'
import { DENY, permission } from './permission.ts'
import type { ServerRequest } from './state.ts'

const accept = (content: JsonObject): Json => ({ action: 'accept', content, _meta: null })
const decline = (): Json => ({ action: 'decline', content: null, _meta: null })

function describe({ params }: ServerRequest): string {
  const words = [params['message'], params['url']].flatMap((text) => asString(text) ?? [])
  return `${asString(params['serverName']) ?? 'An MCP server'}: ${words.join('\n')}`
}

const consent = permission({ describe, once: () => accept({}), session: () => undefined, deny: decline })

export const elicitation: Form = {
  toAsks: (request) => (wantsData(request) ? [toDataAsk(request)] : consent.toAsks(request)),
  toReply: (request, answers) => {
    if (!wantsData(request)) return consent.toReply(request, answers)
    const content = parseObject(answers[0] ?? '')
    return { kind: 'answer', result: content ? accept(content) : decline() }
  },
  toAllowance: (request) => (wantsData(request) ? undefined : accept({})),
}

const schemaOf = ({ params }: ServerRequest): JsonObject => asObject(params['requestedSchema']) ?? {}

const wantsData = (request: ServerRequest): boolean =>
  Object.keys(asObject(schemaOf(request)['properties']) ?? {}).length > 0

function toDataAsk(request: ServerRequest): Ask {
  const wish = `Answer with a JSON object of this schema: ${JSON.stringify(schemaOf(request))}`
  return {
    kind: 'question',
    question: bounded(`${describe(request)}\n${wish}`, LONGEST_DETAIL),
    options: [{ label: DENY }],
  }
}
