/**
 * Owns the requests of an agent that wait for an answer.
 * Q1 A request is owed an answer until that was passed on, or until it is withdrawn; what is answered later is dropped. After a crash
 *    in between it is answered again.
 * Q2 The questions of one request are asked one after the other, each under a key: one that was answered before a crash is not
 *    asked again.
 */
import type { Connection } from './connection.ts'
import type { Ask } from './io.ts'

export interface RequestsOptions<Request> {
  /** A stable name of the request within the session. */
  readonly keyOf: (request: Request) => string
  /** Finds the answer, by asking people if it has to. When it rejects, nothing is answered. */
  readonly answer: (request: Request, ask: AskAll) => Promise<Answer>
  /** What `save` gave before a crash; `resume` goes on with them. */
  readonly saved?: readonly Request[]
}

export interface Answer {
  /** Told to the program. */
  readonly line?: string
  /** What else is to be done, when the line is written: in one go with the end of what is owed. */
  readonly done?: () => void
}

/** Settles with the answers, in the order of the questions. @throws when the request is withdrawn. */
export type AskAll = (questions: readonly Ask[]) => Promise<string[]>

interface Owed<Request> {
  readonly request: Request
  readonly withdrawn: AbortController
}

/** What an agent asks and waits for: each is taken, asked to people if need be, and answered once. */
export class Requests<Request> {
  readonly #connection: Connection
  readonly #options: RequestsOptions<Request>
  readonly #owed: Map<string, Owed<Request>>

  constructor(connection: Connection, options: RequestsOptions<Request>) {
    this.#connection = connection
    this.#options = options
    this.#owed = new Map(options.saved?.map((request) => [options.keyOf(request), toOwed(request)]))
  }

  /** Those that are owed an answer, oldest first. */
  save(): Request[] {
    return [...this.#owed.values()].map(({ request }) => request)
  }

  /** Asks again, after a crash, what was owed an answer then. */
  resume(): void {
    for (const owed of this.#owed.values()) void this.#begin(owed)
  }

  /** Settles when the request is answered or withdrawn; never rejects. */
  take(request: Request): Promise<void> {
    const owed = toOwed(request)
    this.#owed.set(this.#options.keyOf(request), owed)
    this.#connection.remember()
    return this.#begin(owed)
  }

  /** The agent no longer wants to know. @returns The request, if it was owed an answer. */
  withdraw(key: string): Request | undefined {
    const owed = this.#owed.get(key)
    this.#owed.delete(key)
    owed?.withdrawn.abort()
    return owed?.request
  }

  withdrawAll(): Request[] {
    return [...this.#owed.keys()].flatMap((key) => this.withdraw(key) ?? [])
  }

  #begin(owed: Owed<Request>): Promise<void> {
    const note = (error: unknown) => this.#connection.io.debug(`A request of the agent: ${String(error)}`)
    return this.#settle(owed).catch(note)
  }

  async #settle(owed: Owed<Request>): Promise<void> {
    const { keyOf, answer } = this.#options
    const key = keyOf(owed.request)
    const { line, done } = await answer(owed.request, (questions) => this.#ask(key, questions, owed.withdrawn.signal))
    if (this.#owed.get(key) !== owed) return // Q1
    if (line !== undefined) await this.#connection.write(line)
    if (this.#owed.get(key) === owed) this.#owed.delete(key)
    done?.()
    this.#connection.remember()
  }

  // Q2
  async #ask(key: string, questions: readonly Ask[], withdraw: AbortSignal): Promise<string[]> {
    const answers: string[] = []
    for (const [index, question] of questions.entries())
      answers.push(await this.#connection.io.ask({ key: `${key}/${index}`, ...question }, withdraw))
    return answers
  }
}

const toOwed = <Request>(request: Request): Owed<Request> => ({ request, withdrawn: new AbortController() })
