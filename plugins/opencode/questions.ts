/** What OpenCode wants to know from people. What is answered again after a crash is ignored (see bridge.ts). */
import { type Answer, type AskAll, type Connection, type PermissionMode, Requests, asString } from 'troupe/plugin'
import { decisionFor } from './modes.ts'
import { allowLine, denyLine, toAnswerLine, toAsks } from './question.ts'
import type { AgentRequest } from './state.ts'

export interface QuestionsOptions {
  readonly saved: readonly AgentRequest[]
  readonly mode: () => PermissionMode
  readonly onPlan: (answer: string) => void
}

export const makeRequests = (connection: Connection, options: QuestionsOptions): Requests<AgentRequest> =>
  new Requests(connection, {
    keyOf: ({ id }) => id,
    answer: (request, ask) => answerTo(request, ask, options),
    saved: options.saved,
  })

async function answerTo(request: AgentRequest, ask: AskAll, { mode, onPlan }: QuestionsOptions): Promise<Answer> {
  const decided = decide(request, mode())
  if (decided !== undefined) return { line: decided }
  const answers = await ask(toAsks(request))
  if (request.kind === 'plan') return { done: () => onPlan((answers[0] ?? '').trim()) }
  return { line: toAnswerLine(request, answers) }
}

/** What the permission mode decides reaches nobody; questions always do. */
function decide(request: AgentRequest, mode: PermissionMode): string | undefined {
  if (request.kind !== 'permission') return undefined
  const decision = decisionFor(mode, asString(request.properties['permission']) ?? '')
  if (decision === 'allow') return allowLine(request)
  return decision === 'deny' ? denyLine(request, 'Only plan; the user has not approved changes yet.') : undefined
}
