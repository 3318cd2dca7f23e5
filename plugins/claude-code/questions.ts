/**
 * Owns the questions that Claude Code waits for.
 * Q1 A question is answered to Claude Code once, or withdrawn by it, never both.
 * Q2 In the mode `full` only people's own questions reach people; whatever else is asked is allowed.
 */
import type { SessionIo } from 'troupe/plugin'
import { allow, toAnswer, toAsks } from './question.ts'
import { permissionLine, refusalLine } from './protocol.ts'
import type { PermissionRequest } from './state.ts'

export interface QuestionsOptions {
  readonly ask: SessionIo['ask']
  /** Answers whatever is not a question to people by itself. */
  readonly allowAll: boolean
  readonly write: (line: string) => void
}

export class Questions {
  readonly #options: QuestionsOptions
  readonly #open = new Map<string, AbortController>()

  constructor(options: QuestionsOptions) {
    this.#options = options
  }

  /** Settles when the request is answered or withdrawn; never throws. */
  async take(request: PermissionRequest): Promise<void> {
    if (this.#options.allowAll && request.toolName !== 'AskUserQuestion') {
      return this.#options.write(permissionLine(request.requestId, allow(request))) // Q2
    }
    const withdrawn = new AbortController()
    this.#open.set(request.requestId, withdrawn)
    try {
      const line = await this.#ask(request, withdrawn.signal)
      if (!withdrawn.signal.aborted) this.#options.write(line) // Q1
    } finally {
      this.#open.delete(request.requestId)
    }
  }

  withdraw(requestId: string): void {
    this.#open.get(requestId)?.abort()
  }

  withdrawAll(): void {
    for (const withdrawn of this.#open.values()) withdrawn.abort()
  }

  async #ask(request: PermissionRequest, withdraw: AbortSignal): Promise<string> {
    const answers: string[] = []
    try {
      for (const ask of toAsks(request)) answers.push(await this.#options.ask(ask, withdraw))
    } catch (error) {
      return refusalLine(request.requestId, error instanceof Error ? error.message : String(error))
    }
    return permissionLine(request.requestId, toAnswer(request, answers))
  }
}
