/**
 * What Codex wants to know from people. A second answer to a request, after a crash, is ignored by it. What it asks without waiting
 * is answered by saying something to it.
 */
import { type Answer, type AskAll, type Connection, Requests } from 'troupe/plugin'
import type { Reply } from './form.ts'
import { answerLine, refusalLine } from './protocol.ts'
import { toAllowance, toAsks, toReply } from './question.ts'
import type { Said } from './sayings.ts'
import type { AgentRequest } from './state.ts'

export interface QuestionsOptions {
  readonly saved: readonly AgentRequest[]
  /** Says something to Codex; its id is stable. */
  readonly say: (said: Said) => void
}

export const makeRequests = (connection: Connection, { saved, say }: QuestionsOptions): Requests<AgentRequest> =>
  new Requests(connection, {
    keyOf: toKey,
    answer: (request, ask) => answerTo(request, { allowAll: connection.session.permissionMode === 'full', ask, say }),
    saved,
  })

const toKey = ({ kind, id }: AgentRequest): string => `${kind}/${id}`

/** Something will be said to Codex when a person has answered. */
export const isAnsweredBySaying = ({ kind }: AgentRequest): boolean => kind !== 'request'

export interface Answering {
  /** Only people's own questions reach people; whatever else is asked is allowed. */
  readonly allowAll: boolean
  readonly ask: AskAll
  readonly say: QuestionsOptions['say']
}

export async function answerTo(request: AgentRequest, { allowAll, ask, say }: Answering): Promise<Answer> {
  const { id } = request
  const allowance = allowAll ? toAllowance(request) : undefined
  if (allowance !== undefined) return { line: answerLine(id, allowance) }
  try {
    const asks = toAsks(request)
    const reply = asks && toReply(request, await ask(asks))
    if (!reply) return { line: refusalLine(id, 'Troupe does not serve this request.') }
    const told = reply.kind === 'answer' && { line: answerLine(id, reply.result) }
    const said = toSaid(request, reply)
    return { ...told, ...(said && { done: () => say(said) }) }
  } catch (error) {
    return { line: refusalLine(id, error instanceof Error ? error.message : String(error)) }
  }
}

function toSaid(request: AgentRequest, reply: Reply): Said | undefined {
  const text = reply.kind === 'say' ? reply.text : reply.remark
  const mode = reply.kind === 'say' && reply.mode && { mode: reply.mode }
  return text === undefined ? undefined : { id: `answer/${toKey(request)}`, followUp: false, text, ...mode }
}
