/** Permission requests of an agent as questions to a person, and the answers back. Pure. */
import { normalize } from 'node:path'
import { type Ask, type JsonObject, type PermissionMode, asObject, asObjects, asString, bounded } from 'troupe/plugin'

export interface PermissionOption {
  readonly optionId: string
  readonly name: string
  /** `allow_once`, `allow_always`, `reject_once`, `reject_always`, or what a newer agent may say. */
  readonly kind: string
}

export interface Outcome {
  /** What the agent is told. */
  readonly result: JsonObject
  readonly refused: boolean
  /** What the person wants instead: ACP has no place for it in the answer. */
  readonly wish?: string
}

/** What the plugin answers by itself. */
export interface Policy {
  readonly permissionMode: PermissionMode
  /** The agent itself knows which edits need no question. */
  readonly ownEdits: boolean
  readonly workDir: string
  /** To ask people something needs no permission of theirs. */
  readonly isQuestion?: (toolCall: JsonObject) => boolean
}

const LONGEST_DETAIL = 2000
const LONGEST_PLAN = 20_000

export const readOptions = (params: JsonObject): PermissionOption[] =>
  asObjects(params['options']).flatMap((option) => {
    const optionId = asString(option['optionId'])
    if (optionId === undefined) return []
    return [{ optionId, name: asString(option['name']) ?? optionId, kind: asString(option['kind']) ?? '' }]
  })

export const cancelled: JsonObject = { outcome: { outcome: 'cancelled' } }

export const toolIdOf = (params: JsonObject): string | undefined =>
  asString(asObject(params['toolCall'])?.['toolCallId'])

const select = ({ optionId }: PermissionOption): JsonObject => ({ outcome: { outcome: 'selected', optionId } })

const findKind = (options: readonly PermissionOption[], ...kinds: string[]): PermissionOption | undefined =>
  kinds.map((kind) => options.find((option) => option.kind === kind)).find((option) => option !== undefined)

/** What needs no person: questions; everything in the mode `full`; in `accept_edits` edits of files in the worktree. */
export function toAutomatic(params: JsonObject, policy: Policy): JsonObject | undefined {
  const toolCall = asObject(params['toolCall']) ?? {}
  const edits = policy.permissionMode === 'accept_edits' && !policy.ownEdits && isEditWithin(toolCall, policy.workDir)
  if (policy.permissionMode !== 'full' && !edits && policy.isQuestion?.(toolCall) !== true) return undefined
  const option = findKind(readOptions(params), 'allow_once', 'allow_always')
  return option && select(option)
}

/** By the paths that the agent names; a link that leads out of the worktree is not followed here. */
function isEditWithin(toolCall: JsonObject, workDir: string): boolean {
  const diffs = asObjects(toolCall['content']).filter(({ type }) => type === 'diff')
  const paths = [...asObjects(toolCall['locations']), ...diffs].map(({ path }) => asString(path))
  const within = (path: string | undefined) =>
    path !== undefined && normalize(path).startsWith(`${normalize(workDir)}/`)
  return toolCall['kind'] === 'edit' && paths.length > 0 && paths.every(within)
}

/** @param agent As the sentence calls it. @param toolName As the log calls the tool, if it was told. */
export function toAsk(params: JsonObject, agent: string, toolName: string | undefined): Ask {
  const toolCall = asObject(params['toolCall']) ?? {}
  const options = readOptions(params).map(({ name }) => ({ label: name }))
  const offered = options.length > 0 && { options }
  if (toolCall['kind'] === 'switch_mode') return { kind: 'plan', question: planOf(toolCall, agent), ...offered }
  const title = asString(toolCall['title'])
  const name = toolName ?? title ?? 'a tool'
  const detail = title !== undefined && title !== name ? title : detailOf(toolCall)
  return {
    kind: 'permission',
    question: `${agent} wants to use ${name}:\n${bounded(detail, LONGEST_DETAIL)}`,
    ...offered,
  }
}

function planOf(toolCall: JsonObject, agent: string): string {
  const texts = asObjects(toolCall['content']).flatMap(({ content }) => asString(asObject(content)?.['text']) ?? [])
  const plan = asString(asObject(toolCall['rawInput'])?.['plan']) ?? texts.join('\n')
  return plan
    ? bounded(plan, LONGEST_PLAN)
    : `${agent} has a plan (its text is in the messages before this) and wants to begin.`
}

function detailOf(toolCall: JsonObject): string {
  const paths = asObjects(toolCall['locations']).flatMap(({ path }) => asString(path) ?? [])
  const input = toolCall['rawInput']
  return paths.length > 0 ? paths.join(', ') : JSON.stringify(input ?? {})
}

/** What is no option is what the person wants instead. */
export function toOutcome(params: JsonObject, answer: string): Outcome {
  const options = readOptions(params)
  const given = answer.trim()
  const chosen = options.find(({ name }) => name.toLowerCase() === given.toLowerCase())
  if (chosen) return { result: select(chosen), refused: chosen.kind.startsWith('reject') }
  const rejection = findKind(options, 'reject_once', 'reject_always')
  return { result: rejection ? select(rejection) : cancelled, refused: true, ...(given && { wish: given }) }
}
