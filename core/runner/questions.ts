/** The questions of one session: each is answered, withdrawn or ends with its session, exactly once. */
import { v5 } from 'uuid'
import { TroupeError } from '../base/errors.ts'
import { newId } from '../base/ids.ts'
import type { KnownQuestion } from '../engine/ports.ts'

type State =
  | { readonly kind: 'open'; readonly answered: PromiseWithResolvers<string> }
  | { readonly kind: 'answered'; readonly answer: string }
  | { readonly kind: 'withdrawn' }

/** The id of a question: the same whenever it is asked under the same key. */
export const questionIdOf = (sessionId: string, key: string | undefined): string =>
  key === undefined ? newId() : v5(key, sessionId)

/** A UUID that was made of a name is of version 5, and no other id is. */
const hasKey = (questionId: string): boolean => questionId.charAt(14) === '5'

export class Questions {
  readonly #states = new Map<string, State>()
  #waiting = 0

  /** @param known What an earlier host has shown to people. */
  constructor(known: readonly KnownQuestion[] = []) {
    for (const question of known) this.#states.set(question.id, stateOf(question))
  }

  /** How many answers the agent waits for. */
  get waiting(): number {
    return this.#waiting
  }

  knows(questionId: string): boolean {
    return this.#states.has(questionId)
  }

  isWithdrawn(questionId: string): boolean {
    return this.#states.get(questionId)?.kind === 'withdrawn'
  }

  open(questionId: string): void {
    this.#states.set(questionId, opened())
  }

  /** It could not be shown to anybody, so it was not asked. */
  forget(questionId: string): void {
    this.#states.delete(questionId)
  }

  /** Settles with the answer. @throws TroupeError ABORTED when it is withdrawn. */
  async answerTo(questionId: string): Promise<string> {
    const state = this.#states.get(questionId)
    if (state?.kind === 'answered') return state.answer
    if (state?.kind !== 'open') throw withdrawn()
    this.#waiting += 1
    try {
      return await state.answered.promise
    } finally {
      this.#waiting -= 1
    }
  }

  answer(questionId: string, answer: string): void {
    const state = this.#states.get(questionId)
    if (state?.kind === 'withdrawn') return
    if (state?.kind === 'open') state.answered.resolve(answer)
    this.#states.set(questionId, { kind: 'answered', answer })
  }

  /** False when it is not open any more. */
  withdraw(questionId: string): boolean {
    const state = this.#states.get(questionId)
    if (state?.kind !== 'open') return false
    state.answered.reject(withdrawn())
    this.#states.set(questionId, { kind: 'withdrawn' })
    return true
  }

  /** Those that nobody can ask again. */
  openWithoutKey(): string[] {
    return [...this.#states].flatMap(([id, { kind }]) => (kind === 'open' && !hasKey(id) ? [id] : []))
  }

  withdrawAll(): void {
    for (const questionId of this.#states.keys()) this.withdraw(questionId)
  }
}

function opened(): State {
  const answered = Promise.withResolvers<string>()
  // The asker may have left before its question is withdrawn.
  answered.promise.catch(() => {})
  return { kind: 'open', answered }
}

function stateOf({ status, answer }: KnownQuestion): State {
  if (status === 'pending') return opened()
  return status === 'answered' && answer !== undefined ? { kind: 'answered', answer } : { kind: 'withdrawn' }
}

const withdrawn = (): TroupeError => new TroupeError('ABORTED', 'The question was withdrawn.')
