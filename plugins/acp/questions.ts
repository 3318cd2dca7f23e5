/** The requests of the agent that wait for an answer. A second answer, after a crash, is to a request that the agent knows no more. */
import { type Answer, type AskAll, type Connection, type JsonObject, Requests } from 'troupe/plugin'
import { declined, formCancelled, toFormAnswer, toFormAsks } from './form.ts'
import type { AgentRequest } from './memory.ts'
import { type Policy, cancelled, toAsk, toAutomatic, toOutcome } from './permission.ts'
import { resultLine } from './protocol.ts'

export interface QuestionsOptions {
  readonly saved: readonly AgentRequest[]
  readonly policy: () => Policy
  /** How sentences call the agent, and how the log calls a tool. */
  readonly agentName: () => string
  readonly toolName: (params: JsonObject) => string | undefined
  /** A person did not allow it, and may have said what to do instead. */
  readonly refused: (params: JsonObject, wish: string | undefined) => void
}

export const makeRequests = (connection: Connection, options: QuestionsOptions): Requests<AgentRequest> =>
  new Requests(connection, {
    keyOf: ({ id }) => String(id),
    answer: async (request, ask): Promise<Answer> => {
      const result = request.kind === 'form' ? fillIn(request, ask) : permit(request, ask, options)
      return { line: resultLine(request.id, await result.catch(() => nobodyAnswered(request))) }
    },
    saved: options.saved,
  })

/** What the session's permission mode allows is not asked (see permission.ts). */
async function permit({ params }: AgentRequest, ask: AskAll, options: QuestionsOptions): Promise<JsonObject> {
  const automatic = toAutomatic(params, options.policy())
  if (automatic) return automatic
  const [answer = ''] = await ask([toAsk(params, options.agentName(), options.toolName(params))])
  const { result, refused, wish } = toOutcome(params, answer)
  if (refused) options.refused(params, wish)
  return result
}

async function fillIn({ params }: AgentRequest, ask: AskAll): Promise<JsonObject> {
  const asks = toFormAsks(params)
  return asks ? toFormAnswer(params, await ask(asks)) : declined
}

/** The agent is told so, also of what it no longer wants to know: some wait for that after they have cancelled their turn. */
export const nobodyAnswered = ({ kind }: AgentRequest): JsonObject => (kind === 'form' ? formCancelled : cancelled)

const REQUESTS = new Map<string, AgentRequest['kind']>([
  ['session/request_permission', 'permission'],
  ['elicitation/create', 'form'],
])

/** Undefined when we do not serve it. */
export const requestKind = (method: string): AgentRequest['kind'] | undefined => REQUESTS.get(method)
