/** The open questions of one session: each is answered, withdrawn or ends with its session, exactly once. */
import { TroupeError } from '../base/errors.ts'

export class OpenQuestions {
  readonly #open = new Map<string, PromiseWithResolvers<string>>()

  get size(): number {
    return this.#open.size
  }

  /** The answer. @throws TroupeError ABORTED when withdrawn. */
  add(questionId: string): Promise<string> {
    const pending = Promise.withResolvers<string>()
    // The asker may have left before its question is dropped.
    pending.promise.catch(() => {})
    this.#open.set(questionId, pending)
    return pending.promise
  }

  has(questionId: string): boolean {
    return this.#open.has(questionId)
  }

  answer(questionId: string, answer: string): void {
    this.#open.get(questionId)?.resolve(answer)
    this.#open.delete(questionId)
  }

  /** False when it is not open any more. */
  withdraw(questionId: string): boolean {
    this.#open.get(questionId)?.reject(new TroupeError('ABORTED', 'The question was withdrawn.'))
    return this.#open.delete(questionId)
  }

  withdrawAll(): void {
    for (const questionId of this.#open.keys()) this.withdraw(questionId)
  }
}
