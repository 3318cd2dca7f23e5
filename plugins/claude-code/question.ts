/** Permission requests as questions to a person, and the answers back. Pure. */
import { type Ask, type JsonObject, type QuestionOption, asArray, asObjects, asString, bounded } from 'troupe/plugin'
import type { PermissionAnswer } from './protocol.ts'
import type { PermissionRequest } from './state.ts'

const LONGEST_DETAIL = 2000
const LONGEST_PLAN = 20_000

export const ALLOW = 'Allow'
export const ALLOW_SESSION = 'Allow for this session'
export const DENY = 'Deny'
export const APPROVE = 'Approve'
export const APPROVE_EDITS = 'Approve and accept edits'
export const REJECT = 'Reject'

/** What a person is asked: several questions only from the tool AskUserQuestion, one after the other. */
export function toAsks(request: PermissionRequest): readonly Ask[] {
  if (request.asks) return request.asks
  if (request.toolName === 'AskUserQuestion') return asObjects(request.input['questions']).map(toAsk)
  return [request.toolName === 'ExitPlanMode' ? toPlanAsk(request) : toPermissionAsk(request)]
}

function toAsk(from: JsonObject): Ask {
  const options = asObjects(from['options']).flatMap(toOption)
  return {
    kind: 'question',
    question: questionText(from),
    ...(options.length > 0 && { options }),
    ...(from['multiSelect'] === true && { multiple: true }),
  }
}

const questionText = (from: JsonObject): string => asString(from['question']) ?? ''

function toOption(from: JsonObject): QuestionOption[] {
  const label = asString(from['label'])
  const description = asString(from['description'])
  if (label === undefined) return []
  return [{ label, ...(description !== undefined && { description }) }]
}

function toPlanAsk({ input }: PermissionRequest): Ask {
  const plan =
    asString(input['plan']) ?? 'Claude Code has a plan (its text is in the messages before this) and wants to begin.'
  const options = [
    { label: APPROVE, description: 'Begin; ask before each edit' },
    { label: APPROVE_EDITS, description: 'Begin; edit files without asking' },
    { label: REJECT, description: 'Go on planning; or answer with what should be different' },
  ]
  return { kind: 'plan', question: bounded(plan, LONGEST_PLAN), options }
}

function toPermissionAsk(request: PermissionRequest): Ask {
  const reason = request.reason === undefined ? '' : `\n${bounded(request.reason, LONGEST_DETAIL)}`
  const rules = sessionRules(request)
  const options = [
    { label: ALLOW },
    ...(rules.length > 0 ? [{ label: ALLOW_SESSION, description: describeRules(rules) }] : []),
    { label: DENY, description: 'Or answer with what to do instead' },
  ]
  return { kind: 'permission', question: `${describeUse(request)}${reason}`, options }
}

function describeUse({ toolName, input, restored }: PermissionRequest): string {
  if (restored && Object.keys(input).length === 0)
    return `Claude Code wants to use ${toolName}, as the messages before this say.`
  const subject = ['command', 'file_path', 'notebook_path', 'url', 'path'].map((key) => asString(input[key]))
  const detail = subject.find((value) => value !== undefined) ?? JSON.stringify(input)
  return `Claude Code wants to use ${toolName}:\n${bounded(detail, LONGEST_DETAIL)}`
}

/**
 * The narrowest of the rules that Claude Code proposes, kept for this session: as proposed, some would be written into the
 * settings of the worktree, and become part of the task's changes.
 */
function sessionRules({ suggestions }: PermissionRequest): JsonObject[] {
  const narrow = suggestions.filter(({ type }) => type === 'addRules' || type === 'addDirectories')
  return (narrow.length > 0 ? narrow : suggestions).map((rule) => ({ ...rule, destination: 'session' }))
}

function describeRules(rules: readonly JsonObject[]): string {
  const names = rules.flatMap((rule) => {
    if (rule['type'] === 'setMode') return [`mode ${asString(rule['mode']) ?? ''}`]
    if (rule['type'] === 'addDirectories') return asArray(rule['directories']).flatMap((path) => asString(path) ?? [])
    return asObjects(rule['rules']).map((entry) => {
      const content = asString(entry['ruleContent'])
      return `${asString(entry['toolName']) ?? ''}${content === undefined ? '' : `(${content})`}`
    })
  })
  return bounded(names.join(', ') || 'What Claude Code proposes', LONGEST_DETAIL)
}

/** The answer for Claude Code; `answers` are in the order of the asks. What is no option is what the person wants instead. */
export function toAnswer(request: PermissionRequest, answers: readonly string[]): PermissionAnswer {
  if (request.toolName === 'AskUserQuestion') return answerQuestions(request, answers)
  const answer = (answers[0] ?? '').trim()
  return request.toolName === 'ExitPlanMode' ? answerPlan(request, answer) : answerPermission(request, answer)
}

function answerQuestions({ input, restored }: PermissionRequest, given: readonly string[]): PermissionAnswer {
  if (restored && !input['questions'])
    return { behavior: 'deny', message: 'Nobody has seen these questions. Ask again.' }
  const answers = asObjects(input['questions']).map((from, index) => [questionText(from), given[index] ?? ''] as const)
  return { behavior: 'allow', updatedInput: { ...input, answers: Object.fromEntries(answers) } }
}

function answerPlan(request: PermissionRequest, answer: string): PermissionAnswer {
  if (is(answer, APPROVE)) return allow(request)
  if (is(answer, APPROVE_EDITS)) {
    const mode = { type: 'setMode', mode: 'acceptEdits', destination: 'session' }
    return { ...allow(request), updatedPermissions: [mode] }
  }
  const wish = is(answer, REJECT) ? '.' : ` and said: ${answer}`
  return { behavior: 'deny', message: `The user did not approve the plan${wish}` }
}

function answerPermission(request: PermissionRequest, answer: string): PermissionAnswer {
  if (is(answer, ALLOW)) return allow(request)
  if (is(answer, ALLOW_SESSION)) {
    return { ...allow(request), updatedPermissions: sessionRules(request) }
  }
  const wish = is(answer, DENY) ? '.' : ` and said: ${answer}`
  return { behavior: 'deny', message: `The user did not allow this${wish}` }
}

export const allow = ({ input, restored }: PermissionRequest): Extract<PermissionAnswer, { behavior: 'allow' }> => ({
  behavior: 'allow',
  ...(!restored && { updatedInput: input }),
})

const is = (answer: string, label: string): boolean => answer.toLowerCase() === label.toLowerCase()
