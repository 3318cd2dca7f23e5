/**
 * Owns the questions of one turn that wait for people.
 * Q1 A question that the permission mode answers reaches nobody.
 * Q2 The bridge ignores an answer to a question that Aider waits for no more, so one may be written again after a crash.
 */
import type { AgentProcess, PermissionMode, SessionIo } from 'troupe/plugin'
import { answerFor } from './modes.ts'
import { type Answer, type Prompt, toAnswer, toAsk } from './question.ts'

export interface QuestionsOptions {
  readonly io: SessionIo
  readonly process: AgentProcess
  readonly mode: PermissionMode
  readonly turn: number
  /** Called before the answer is given. */
  readonly onAnswer: (prompt: Prompt, answer: Answer) => void
}

export class Questions {
  readonly #options: QuestionsOptions
  readonly #open = new Map<number, AbortController>()

  constructor(options: QuestionsOptions) {
    this.#options = options
  }

  /** Asks again what was open at a crash. */
  resume(prompts: readonly Prompt[]): void {
    for (const prompt of prompts) this.take(prompt)
  }

  take(prompt: Prompt): void {
    const withdrawn = new AbortController()
    this.#open.set(prompt.number, withdrawn)
    this.#settle(prompt, withdrawn.signal).catch((error: unknown) =>
      this.#options.io.debug(`A question of Aider: ${String(error)}`),
    )
  }

  withdraw(number: number): void {
    this.#open.get(number)?.abort()
    this.#open.delete(number)
  }

  withdrawAll(): void {
    for (const number of this.#open.keys()) this.withdraw(number)
  }

  async #settle(prompt: Prompt, withdraw: AbortSignal): Promise<void> {
    const { mode, process, onAnswer } = this.#options
    const letter = answerFor(mode, prompt.question) // Q1
    const answer = letter === undefined ? await this.#ask(prompt, withdraw) : { letter }
    onAnswer(prompt, answer)
    await process.write(`${JSON.stringify({ prompt: prompt.number, answer: answer.letter })}\n`)
  }

  async #ask(prompt: Prompt, withdraw: AbortSignal): Promise<Answer> {
    const { io, turn } = this.#options
    return toAnswer(prompt, await io.ask({ key: `prompt/${turn}/${prompt.number}`, ...toAsk(prompt) }, withdraw))
  }
}
