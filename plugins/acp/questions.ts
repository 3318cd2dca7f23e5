/**
 * Owns the requests of the agent that wait for an answer.
 * Q1 Each is answered once, or withdrawn by the agent. It is owed an answer until that was written; a second answer, after a crash in
 *    between, is to a request that the agent knows no more, and ignored.
 * Q2 What the session's permission mode allows is not asked (see permission.ts).
 */
import type { JsonObject, SessionIo } from 'troupe/plugin'
import type { AgentRequest } from './checkpoint.ts'
import { declined, formCancelled, toFormAnswer, toFormAsks } from './form.ts'
import { cancelled, type Outcome, toAsk, toAutomatic, toOutcome } from './permission.ts'
import type { Policy } from './permission.ts'
import { type RequestId, resultLine } from './protocol.ts'

export interface QuestionsOptions {
  readonly ask: SessionIo['ask']
  readonly policy: () => Policy
  /** How sentences call the agent, and how the log calls a tool. */
  readonly agentName: () => string
  readonly toolName: (params: JsonObject) => string | undefined
  /** Settles when the line is written; never rejects. */
  readonly write: (line: string) => Promise<void>
  /** A person did not allow it, and may have said what to do instead. */
  readonly refused: (params: JsonObject, wish: string | undefined) => void
  /** What is owed has changed. */
  readonly changed: () => void
}

interface Owed {
  readonly request: AgentRequest
  readonly withdrawn: AbortController
}

export class Questions {
  readonly #options: QuestionsOptions
  readonly #owed = new Map<RequestId, Owed>()

  constructor(options: QuestionsOptions) {
    this.#options = options
  }

  /** Plain data, for a checkpoint. */
  save(): AgentRequest[] {
    return [...this.#owed.values()].map(({ request }) => request)
  }

  /** Settles when the request is answered or withdrawn; never throws. */
  async take(request: AgentRequest): Promise<void> {
    const { id } = request
    const owed = { request, withdrawn: new AbortController() }
    this.#owed.set(id, owed)
    const result = await this.#answer(request, owed.withdrawn.signal)
    await this.#options.write(resultLine(id, result)) // Q1
    if (this.#owed.get(id) !== owed) return
    this.#owed.delete(id)
    this.#options.changed()
  }

  /** The agent is told that nobody answered: some wait for that after they have cancelled their turn. */
  withdraw(id: RequestId): void {
    this.#owed.get(id)?.withdrawn.abort()
    this.#owed.delete(id)
  }

  withdrawAll(): void {
    for (const id of this.#owed.keys()) this.withdraw(id)
  }

  #answer(request: AgentRequest, withdraw: AbortSignal): Promise<JsonObject> {
    return request.kind === 'form' ? this.#fillIn(request, withdraw) : this.#permit(request, withdraw)
  }

  async #permit({ id, params }: AgentRequest, withdraw: AbortSignal): Promise<JsonObject> {
    const automatic = toAutomatic(params, this.#options.policy())
    if (automatic) return automatic // Q2
    const ask = toAsk(params, this.#options.agentName(), this.#options.toolName(params))
    const outcome = await this.#options.ask({ key: `${id}/0`, ...ask }, withdraw).then(
      (answer): Outcome => toOutcome(params, answer),
      (): Outcome => ({ result: cancelled, refused: false }),
    )
    if (outcome.refused) this.#options.refused(params, outcome.wish)
    return outcome.result
  }

  /** One after the other, each under a key: one that was answered before a crash is not asked again. */
  async #fillIn({ id, params }: AgentRequest, withdraw: AbortSignal): Promise<JsonObject> {
    const asks = toFormAsks(params)
    if (!asks) return declined
    try {
      const answers: string[] = []
      for (const [index, ask] of asks.entries()) {
        answers.push(await this.#options.ask({ key: `${id}/${index}`, ...ask }, withdraw))
      }
      return toFormAnswer(params, answers)
    } catch {
      return formCancelled
    }
  }
}

const REQUESTS = new Map<string, AgentRequest['kind']>([
  ['session/request_permission', 'permission'],
  ['elicitation/create', 'form'],
])

/** Undefined when we do not serve it. */
export const requestKind = (method: string): AgentRequest['kind'] | undefined => REQUESTS.get(method)
