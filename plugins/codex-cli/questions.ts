/**
 * Owns what Codex wants to know from people.
 * Q1 A request is answered to Codex, or withdrawn by it, never both. It is owed an answer until that was written; a second
 *    answer, after a crash in between, is ignored by it.
 * Q2 In the mode `full` only people's own questions reach people; whatever else is asked is allowed.
 * Q3 What Codex asks without waiting is answered by saying something to it; the answer is owed until it is among the sayings.
 */
import type { PermissionMode, SessionIo } from 'troupe/plugin'
import { type RequestId, answerLine, refusalLine } from './protocol.ts'
import type { Reply } from './form.ts'
import { toAllowance, toAsks, toReply } from './question.ts'
import type { AgentRequest } from './state.ts'

export interface QuestionsOptions {
  readonly ask: SessionIo['ask']
  /** Answers whatever is not a question to people by itself. */
  readonly allowAll: boolean
  /** Settles when the line is written; never rejects. */
  readonly write: (line: string) => Promise<void>
  /** Says something to Codex; `id` is stable. */
  readonly say: (saying: { readonly id: string; readonly text: string; readonly mode?: PermissionMode }) => void
  /** What is owed has changed. */
  readonly changed: () => void
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
    this.#owed = new Map(owed.map((request) => [toKey(request), toOwed(request)]))
  }

  /** The requests that are owed an answer. Plain data, for a checkpoint. */
  save(): AgentRequest[] {
    return [...this.#owed.values()].map(({ request }) => request)
  }

  /** Whether something will be said to Codex when a person has answered. */
  get waiting(): boolean {
    return this.#owed.values().some(({ request }) => request.kind !== 'request')
  }

  resume(): void {
    for (const [key, owed] of this.#owed) void this.#settle(key, owed)
  }

  /** Settles when the request is answered or withdrawn; never throws. */
  take(request: AgentRequest): Promise<void> {
    const owed = toOwed(request)
    this.#owed.set(toKey(request), owed)
    this.#options.changed()
    return this.#settle(toKey(request), owed)
  }

  async #settle(key: string, owed: Owed): Promise<void> {
    const { request } = owed
    const reply = await this.#reply(request, owed.withdrawn.signal)
    if (this.#owed.get(key) !== owed) return // Q1
    if (typeof reply === 'string') await this.#options.write(reply)
    else if (reply.kind === 'answer') await this.#options.write(answerLine(idOf(request), reply.result))
    this.#owed.delete(key)
    if (typeof reply !== 'string') this.#say(key, reply)
    this.#options.changed()
  }

  withdraw(id: RequestId): void {
    this.#withdraw(`request/${id}`)
  }

  withdrawAll(): void {
    for (const key of this.#owed.keys()) this.#withdraw(key)
  }

  #withdraw(key: string): void {
    const owed = this.#owed.get(key)
    this.#owed.delete(key)
    owed?.withdrawn.abort()
  }

  #say(key: string, reply: Reply): void {
    if (reply.kind === 'say') return this.#options.say({ id: `answer/${key}`, ...reply }) // Q3
    if (reply.remark !== undefined) this.#options.say({ id: `answer/${key}`, text: reply.remark })
  }

  /** A line for Codex when nobody can answer. */
  async #reply(request: AgentRequest, withdraw: AbortSignal): Promise<Reply | string> {
    const allowance = this.#options.allowAll ? toAllowance(request) : undefined
    if (allowance !== undefined) return { kind: 'answer', result: allowance } // Q2
    try {
      const answers = await this.#ask(request, withdraw)
      const reply = answers && toReply(request, answers)
      return reply ?? refusalLine(idOf(request), 'Troupe does not serve this request.')
    } catch (error) {
      return refusalLine(idOf(request), error instanceof Error ? error.message : String(error))
    }
  }

  /** One after the other, each under a key: one that was answered before a crash is not asked again. */
  async #ask(request: AgentRequest, withdraw: AbortSignal): Promise<string[] | undefined> {
    const asks = toAsks(request)
    if (!asks) return undefined
    const answers: string[] = []
    for (const [index, ask] of asks.entries()) {
      answers.push(await this.#options.ask({ key: `${toKey(request)}/${index}`, ...ask }, withdraw))
    }
    return answers
  }
}

const toOwed = (request: AgentRequest): Owed => ({ request, withdrawn: new AbortController() })

const idOf = ({ id }: AgentRequest): RequestId => id

const toKey = ({ kind, id }: AgentRequest): string => `${kind}/${id}`
