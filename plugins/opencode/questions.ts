/**
 * Owns what OpenCode wants to know from people.
 * Q1 A request is owed an answer until it was written, or until OpenCode says that it has one. One that is written again after a
 *    crash is ignored (see bridge.ts).
 * Q2 What the permission mode decides reaches nobody; questions always do.
 */
import { type PermissionMode, type SessionIo, asString } from 'troupe/plugin'
import { decisionFor } from './modes.ts'
import { allowLine, denyLine, toAnswerLine, toAsks } from './question.ts'
import type { AgentRequest } from './state.ts'

export interface QuestionsOptions {
  readonly ask: SessionIo['ask']
  readonly mode: () => PermissionMode
  /** Settles when the line is written; never rejects. */
  readonly write: (line: string) => Promise<void>
  /** What is owed has changed. */
  readonly changed: () => void
  readonly debug: (text: string) => void
}

interface Owed {
  readonly request: AgentRequest
  readonly withdrawn: AbortController
}

export class Questions {
  readonly #options: QuestionsOptions
  readonly #owed: Map<string, Owed>

  /** @param owed From a checkpoint; they are asked by `resume`. */
  constructor(options: QuestionsOptions, owed: readonly AgentRequest[]) {
    this.#options = options
    this.#owed = new Map(owed.map((request) => [request.id, { request, withdrawn: new AbortController() }]))
  }

  /** The requests that are owed an answer. Plain data, for a checkpoint. */
  save(): AgentRequest[] {
    return [...this.#owed.values()].map(({ request }) => request)
  }

  /** A person is asked, or was. */
  get open(): boolean {
    return this.#owed.size > 0
  }

  resume(): void {
    for (const owed of this.#owed.values()) this.#begin(owed)
  }

  take(request: AgentRequest): void {
    const owed = { request, withdrawn: new AbortController() }
    this.#owed.set(request.id, owed)
    this.#begin(owed)
  }

  withdraw(id: string): void {
    const owed = this.#owed.get(id)
    this.#owed.delete(id)
    owed?.withdrawn.abort()
  }

  withdrawAll(): void {
    for (const id of this.#owed.keys()) this.withdraw(id)
  }

  #begin(owed: Owed): void {
    this.#settle(owed).catch((error: unknown) => this.#options.debug(`A question of OpenCode: ${String(error)}`))
  }

  async #settle(owed: Owed): Promise<void> {
    const { request } = owed
    const line = this.#decide(request) ?? toAnswerLine(request, await this.#ask(request, owed.withdrawn.signal))
    if (this.#owed.get(request.id) !== owed) return // Q1
    await this.#options.write(line)
    this.#owed.delete(request.id)
    this.#options.changed()
  }

  // Q2
  #decide(request: AgentRequest): string | undefined {
    if (request.kind === 'question') return undefined
    const mode = this.#options.mode()
    const decision = decisionFor(mode, asString(request.properties['permission']) ?? '')
    if (decision === 'allow') return allowLine(request)
    return decision === 'deny' ? denyLine(request, 'Only plan; the user has not approved changes yet.') : undefined
  }

  /** One after the other, each under a key: one that was answered before a crash is not asked again. */
  async #ask(request: AgentRequest, withdraw: AbortSignal): Promise<string[]> {
    const answers: string[] = []
    for (const [index, ask] of toAsks(request).entries()) {
      answers.push(await this.#options.ask({ key: `${request.id}/${index}`, ...ask }, withdraw))
    }
    return answers
  }
}
