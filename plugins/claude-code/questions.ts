/**
 * Owns the requests that Claude Code waits for an answer to.
 * Q1 A request is answered to Claude Code, or withdrawn by it, never both. It is owed an answer until that was written; a second
 *    answer, after a crash in between, is ignored by it.
 * Q2 In the mode `full` only people's own questions reach people; whatever else is asked is allowed.
 */
import type { SessionIo } from 'troupe/plugin'
import { allow, toAnswer, toAsks } from './question.ts'
import { permissionLine, refusalLine } from './protocol.ts'
import type { AgentRequest, PermissionRequest } from './state.ts'

export interface QuestionsOptions {
  readonly ask: SessionIo['ask']
  /** Answers whatever is not a question to people by itself. */
  readonly allowAll: boolean
  /** Settles when the line is written; never rejects. */
  readonly write: (line: string) => Promise<void>
  /** What is owed has changed. */
  readonly changed: () => void
}

interface Owed {
  readonly request: AgentRequest
  readonly withdrawn: AbortController
}

export class Questions {
  readonly #options: QuestionsOptions
  readonly #owed = new Map<string, Owed>()

  constructor(options: QuestionsOptions) {
    this.#options = options
  }

  /** The requests that are owed an answer. Plain data, for a checkpoint. */
  save(): AgentRequest[] {
    return [...this.#owed.values()].map(({ request }) => request)
  }

  /** Settles when the request is answered or withdrawn; never throws. */
  async take(request: AgentRequest): Promise<void> {
    const { requestId } = request
    const owed = { request, withdrawn: new AbortController() }
    this.#owed.set(requestId, owed)
    this.#options.changed()
    const line = await this.#answer(request, owed.withdrawn.signal)
    if (!owed.withdrawn.signal.aborted) await this.#options.write(line) // Q1
    if (this.#owed.get(requestId) !== owed) return
    this.#owed.delete(requestId)
    this.#options.changed()
  }

  withdraw(requestId: string): void {
    this.#owed.get(requestId)?.withdrawn.abort()
    this.#owed.delete(requestId)
  }

  withdrawAll(): void {
    for (const requestId of this.#owed.keys()) this.withdraw(requestId)
  }

  async #answer(request: AgentRequest, withdraw: AbortSignal): Promise<string> {
    const { requestId } = request
    if (request.kind === 'unsupported') return refusalLine(requestId, `Troupe does not serve ${request.subtype}.`)
    if (this.#options.allowAll && request.toolName !== 'AskUserQuestion') {
      return permissionLine(requestId, allow(request)) // Q2
    }
    try {
      return permissionLine(requestId, toAnswer(request, await this.#ask(request, withdraw)))
    } catch (error) {
      return refusalLine(requestId, error instanceof Error ? error.message : String(error))
    }
  }

  /** One after the other, each under a key: one that was answered before a crash is not asked again. */
  async #ask(request: PermissionRequest, withdraw: AbortSignal): Promise<string[]> {
    const answers: string[] = []
    for (const [index, ask] of toAsks(request).entries()) {
      answers.push(await this.#options.ask({ key: `${request.requestId}/${index}`, ...ask }, withdraw))
    }
    return answers
  }
}
