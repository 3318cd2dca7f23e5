/** What OpenCode wants to know, as questions to a person, and the answers back. Pure. */
import {
  type Ask,
  type Json,
  type JsonObject,
  type QuestionOption,
  asArray,
  asObject,
  asObjects,
  asString,
  bounded,
} from 'troupe/plugin'
import { permissionLine, questionLine } from './protocol.ts'
import type { AgentRequest } from './state.ts'

export const ALLOW = 'Allow'
export const ALLOW_SESSION = 'Allow for this session'
export const DENY = 'Deny'

const LONGEST_DETAIL = 20_000

export function toAsks({ kind, properties }: AgentRequest): Ask[] {
  if (kind === 'permission') return [toPermissionAsk(properties)]
  if (kind === 'plan') return [toPlanAsk(asString(properties['plan']) ?? '')]
  return asObjects(properties['questions']).map(toQuestionAsk)
}

function toPermissionAsk(properties: JsonObject): Ask {
  const permission = asString(properties['permission']) ?? 'something'
  const lasting = asArray(properties['always']).flatMap((pattern) => asString(pattern) ?? [])
  const options = [
    { label: ALLOW },
    ...(lasting.length > 0 ? [{ label: ALLOW_SESSION, description: bounded(lasting.join(', '), 200) }] : []),
    { label: DENY, description: 'Or answer with what to do instead' },
  ]
  const question = `OpenCode wants to use ${permission}:\n${bounded(toSubject(properties), LONGEST_DETAIL)}`
  return { kind: 'permission', question, options }
}

/** What a person needs to know: the command or the change, else whatever it is about. */
function toSubject(properties: JsonObject): string {
  const metadata = asObject(properties['metadata']) ?? {}
  const patterns = asArray(properties['patterns']).flatMap((pattern) => asString(pattern) ?? [])
  return asString(metadata['command']) ?? asString(metadata['diff']) ?? patterns.join('\n')
}

function toQuestionAsk(asked: JsonObject): Ask {
  const options = asObjects(asked['options']).flatMap(toOption)
  return {
    kind: 'question',
    question: asString(asked['question']) ?? '',
    ...(options.length > 0 && { options }),
    ...(asked['multiple'] === true && { multiple: true }),
  }
}

function toOption(from: JsonObject): QuestionOption[] {
  const label = asString(from['label'])
  const description = asString(from['description'])
  return label === undefined ? [] : [{ label, ...(description !== undefined && { description }) }]
}

/** @param answers In the order of the asks. What is no option is what the person wants instead. */
export function toAnswerLine({ kind, id, properties }: AgentRequest, answers: readonly string[]): string {
  if (kind === 'permission') return permissionLine(id, toReply((answers[0] ?? '').trim()))
  const asked = asObjects(properties['questions'])
  return questionLine(
    id,
    asked.map((question, index): Json => toChoices(question, answers[index] ?? '')),
  )
}

/** A refusal without a reason would end the turn. */
function toReply(answer: string): JsonObject {
  const is = (label: string) => answer.toLowerCase() === label.toLowerCase()
  if (is(ALLOW)) return { reply: 'once' }
  if (is(ALLOW_SESSION)) return { reply: 'always' }
  return { reply: 'reject', message: is(DENY) || answer === '' ? 'The user did not allow this.' : answer }
}

function toChoices(question: JsonObject, answer: string): string[] {
  if (question['multiple'] !== true) return [answer]
  const labels = asObjects(question['options'])
    .flatMap(toOption)
    .map(({ label }) => label)
  const parts = answer.split(', ')
  return parts.every((part) => labels.includes(part)) ? parts : [answer]
}

export const allowLine = ({ id }: AgentRequest): string => permissionLine(id, { reply: 'once' })

export const denyLine = ({ id }: AgentRequest, message: string): string =>
  permissionLine(id, { reply: 'reject', message })

export const APPROVE = 'Approve'
export const APPROVE_EDITS = 'Approve and accept edits'
export const REJECT = 'Reject'

const toPlanAsk = (plan: string): Ask => ({
  kind: 'plan',
  question: bounded(plan, LONGEST_DETAIL),
  options: [
    { label: APPROVE, description: 'Begin; ask before each edit' },
    { label: APPROVE_EDITS, description: 'Begin; edit files without asking' },
    { label: REJECT, description: 'Leave it at the plan; or answer with what should be different' },
  ],
})
