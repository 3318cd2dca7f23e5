/** The requests that Claude Code waits for an answer to. A second answer, after a crash, is ignored by it. */
import { type Answer, type AskAll, type Connection, Requests } from 'troupe/plugin'
import { allow, toAnswer, toAsks } from './question.ts'
import { permissionLine, refusalLine } from './protocol.ts'
import type { AgentRequest } from './state.ts'

export const makeRequests = (connection: Connection, saved: readonly AgentRequest[]): Requests<AgentRequest> =>
  new Requests(connection, {
    keyOf: ({ requestId }) => requestId,
    answer: (request, ask) => answerTo(request, connection.session.permissionMode === 'full', ask),
    saved: saved.map(toRestored),
  })

/** @param allowAll Only people's own questions reach people; whatever else is asked is allowed. */
export async function answerTo(request: AgentRequest, allowAll: boolean, ask: AskAll): Promise<Answer> {
  const { requestId } = request
  if (request.kind === 'unsupported')
    return { line: refusalLine(requestId, `Troupe does not serve ${request.subtype}.`) }
  if (allowAll && request.toolName !== 'AskUserQuestion') return { line: permissionLine(requestId, allow(request)) }
  try {
    return { line: permissionLine(requestId, toAnswer(request, await ask(toAsks(request)))) }
  } catch (error) {
    return { line: refusalLine(requestId, error instanceof Error ? error.message : String(error)) }
  }
}

/** What comes from a checkpoint has its secrets masked. */
const toRestored = (request: AgentRequest): AgentRequest =>
  request.kind === 'permission' ? { ...request, restored: true } : request
