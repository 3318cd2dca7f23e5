/** What Codex wants to know, as questions to a person, and the answers back. Pure. */
import { type Ask, type Json, type JsonObject, type QuestionOption, asObjects, asString, bounded } from 'troupe/plugin'
import { elicitation } from './elicitation.ts'
import { type Form, type Reply, is } from './form.ts'
import { commandPermission, filePermission, sandboxPermission } from './permission.ts'
import type { AgentRequest, OpenQuestion, ServerRequest } from './state.ts'

const LONGEST_PLAN = 20_000

export const APPROVE = 'Approve'
export const APPROVE_EDITS = 'Approve and accept edits'
export const REJECT = 'Reject'

const FORMS: ReadonlyMap<string, Form> = new Map<string, Form>([
  ['item/commandExecution/requestApproval', commandPermission],
  ['item/fileChange/requestApproval', filePermission],
  ['item/permissions/requestApproval', sandboxPermission],
  ['mcpServer/elicitation/request', elicitation],
  ['item/tool/requestUserInput', { toAsks: toInputAsks, toReply: toInputReply }],
])

const formOf = (request: AgentRequest): Form | undefined =>
  request.kind === 'request' ? FORMS.get(request.method) : undefined

/** Undefined when Troupe does not serve such requests. */
export function toAsks(request: AgentRequest): Ask[] | undefined {
  if (request.kind === 'request') return formOf(request)?.toAsks(request)
  return [request.kind === 'plan' ? toPlanAsk(request) : toOpenAsk(request)]
}

/** @param answers In the order of the asks. What is no option is what the person wants instead. */
export function toReply(request: AgentRequest, answers: readonly string[]): Reply | undefined {
  if (request.kind === 'request') return formOf(request)?.toReply(request, answers)
  const answer = (answers[0] ?? '').trim()
  return request.kind === 'plan' ? toPlanReply(answer) : { kind: 'say', text: `${request.question}\n${answer}` }
}

/** Undefined when only a person can answer. */
export const toAllowance = (request: AgentRequest): Json | undefined =>
  request.kind === 'request' ? formOf(request)?.toAllowance?.(request) : undefined

function toInputAsks({ params }: ServerRequest): Ask[] {
  return asObjects(params['questions']).map((asked) => {
    const options = asObjects(asked['options']).flatMap(toOption)
    return { kind: 'question', question: asString(asked['question']) ?? '', ...(options.length > 0 && { options }) }
  })
}

function toOption(from: JsonObject): QuestionOption[] {
  const label = asString(from['label'])
  const description = asString(from['description'])
  if (label === undefined) return []
  return [{ label, ...(description !== undefined && { description }) }]
}

function toInputReply({ params }: ServerRequest, given: readonly string[]): Reply {
  const answers = asObjects(params['questions']).map((asked, index): [string, Json] => [
    asString(asked['id']) ?? '',
    { answers: [given[index] ?? ''] },
  ])
  return { kind: 'answer', result: { answers: Object.fromEntries(answers) } }
}

function toPlanAsk({ question }: OpenQuestion): Ask {
  const options = [
    { label: APPROVE, description: 'Begin; ask before each edit' },
    { label: APPROVE_EDITS, description: 'Begin; edit files without asking' },
    { label: REJECT, description: 'Go on planning; or answer with what should be different' },
  ]
  return { kind: 'plan', question: bounded(question, LONGEST_PLAN), options }
}

function toPlanReply(answer: string): Reply {
  if (is(answer, APPROVE)) return { kind: 'say', text: 'Implement the plan.', mode: 'ask' }
  if (is(answer, APPROVE_EDITS)) return { kind: 'say', text: 'Implement the plan.', mode: 'accept_edits' }
  const wish = is(answer, REJECT) || answer === '' ? '.' : ` and said: ${answer}`
  return { kind: 'say', text: `The user did not approve the plan${wish}` }
}

const toOpenAsk = ({ question, options }: OpenQuestion): Ask => ({
  kind: 'question',
  question,
  ...(options.length > 0 && { options: options.map((label) => ({ label })) }),
})
