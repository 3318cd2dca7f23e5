/**
 * What people and the agent of one session say to each other.
 *
 * D1 A question is logged and reported once, however often it is asked under its key; so is that it was withdrawn.
 * D2 An answer or a message is in the log before the agent hears it, and only once, though the engine may deliver it twice.
 * D3 A question without a key is withdrawn when whoever asked it has lost the session: nobody can ask it again.
 * D4 An accepted message is acknowledged by the plugin, or given back as unheard.
 * D5 A bounded number of questions is open at a time, for each is stored with every step of the session; the next ones wait.
 */
import { faultPoint } from '../base/fault-point.ts'
import { TroupeError } from '../base/errors.ts'
import { makeTurns } from '../base/turns.ts'
import type { KnownQuestion } from '../engine/ports.ts'
import type { Ask, FollowUp } from '../plugin/contract/io.ts'
import { FollowUps } from './follow-ups.ts'
import { questionIdOf, Questions } from './questions.ts'
import type { SessionWriter } from './session-writer.ts'
import { withFollowUp, withoutFollowUp, withRefused, withTaken } from './stored-progress.ts'

export interface DialogueParts {
  readonly sessionId: string
  readonly writer: SessionWriter
  /** Questions that an earlier host has shown to people. */
  readonly questions: readonly KnownQuestion[]
  /** What waits for the agent to say something. */
  readonly silence: {
    /** The agent was told something. */
    heard(): void
    /** The agent waits for a person until this is disposed of. */
    excuse(): Disposable | undefined
  }
}

/** More than any person looks at; an agent that loops asks thousands. */
const MOST_OPEN = 32

interface Answer {
  readonly questionId: string
  readonly answer: string
  readonly by: string
}

export class SessionDialogue {
  readonly #parts: DialogueParts
  readonly #questions: Questions
  readonly #followUps: FollowUps
  /** Answers and messages that are being logged, by id: the engine delivers one again that takes it too long. */
  readonly #taking = new Map<string, Promise<boolean>>()
  /** Of whoever has the session now. // D5 */
  #inTurn = makeTurns(MOST_OPEN)
  #closed = false

  constructor(parts: DialogueParts) {
    const { writer, questions } = parts
    const { reports = [], followUps = [] } = writer.progress
    this.#parts = parts
    this.#questions = new Questions(questions)
    // What is in the log, and is being reported only now.
    for (const { report } of reports) {
      if (report.type === 'withdrawn') this.#questions.withdraw(report.questionId)
      if (report.type === 'asked' && !this.#questions.knows(report.question.questionId)) {
        this.#questions.open(report.question.questionId)
      }
    }
    this.#followUps = new FollowUps({ unread: followUps, onRead: (id) => writer.note(withoutFollowUp(id)) })
  }

  get followUps(): AsyncIterable<FollowUp> {
    return this.#followUps
  }

  /** Settles with the answer. @throws TroupeError ABORTED when the question is withdrawn or the session stops. */
  async ask({ key, ...question }: Ask, withdraw: AbortSignal): Promise<string> {
    using _excuse = this.#parts.silence.excuse()
    const questionId = questionIdOf(this.#parts.sessionId, key)
    const inTurn = this.#inTurn
    const asked = async () => {
      if (this.#closed || this.#inTurn !== inTurn) throw new TroupeError('ABORTED', 'The session is stopping.')
      return this.#answerTo(questionId, question, withdraw)
    }
    try {
      return await inTurn(asked, withdraw)
    } finally {
      // Also one that people were shown by an earlier host, and that waited for its turn here.
      if (withdraw.aborted) this.#withdraw(questionId)
    }
  }

  async #answerTo(questionId: string, question: Omit<Ask, 'key'>, withdraw: AbortSignal): Promise<string> {
    if (!this.#questions.knows(questionId)) {
      withdraw.throwIfAborted()
      await this.#show(questionId, question) // D1
    }
    const onWithdraw = () => this.#withdraw(questionId)
    withdraw.addEventListener('abort', onWithdraw, { once: true })
    if (withdraw.aborted) onWithdraw()
    try {
      return await this.#questions.answerTo(questionId)
    } finally {
      withdraw.removeEventListener('abort', onWithdraw)
    }
  }

  /** Somebody begins or goes on with the session (D3). */
  begin(): void {
    this.#inTurn = makeTurns(MOST_OPEN)
    for (const questionId of this.#questions.openWithoutKey()) this.#withdraw(questionId)
  }

  /** False when the session ends and does not take it any more. */
  answer(answer: Answer): Promise<boolean> {
    return this.#once(answer.questionId, () => this.#takeAnswer(answer))
  }

  /** False when the session ends and does not take it any more. */
  send(message: FollowUp): Promise<boolean> {
    return this.#once(message.id, () => this.#takeMessage(message))
  }

  /** The agent hears and asks nothing more; gives the messages that it did not hear (D4). */
  close(): string[] {
    this.#closed = true
    this.#questions.withdrawAll()
    return this.#followUps.close().map(({ content }) => content)
  }

  #withdraw(questionId: string): void {
    if (!this.#questions.withdraw(questionId)) return
    const report = { type: 'withdrawn', questionId } as const
    // A session that was given up is gone on with by the next host, from where it was written last.
    this.#parts.writer.report({ id: `withdrawn:${questionId}`, report }).catch(() => {})
  }

  // D2
  #once(id: string, take: () => Promise<boolean>): Promise<boolean> {
    const underWay = this.#taking.get(id)
    if (underWay) return underWay
    const taken = take().finally(() => this.#taking.delete(id))
    this.#taking.set(id, taken)
    return taken
  }

  async #takeAnswer({ questionId, answer, by }: Answer): Promise<boolean> {
    const { writer } = this.#parts
    if (this.#closed) return false
    if (this.#questions.isWithdrawn(questionId)) return true
    if (writer.progress.taken !== questionId) {
      await writer.write({ type: 'userAnswer', questionId, answer, by }, withTaken(questionId)) // D2
      faultPoint('runner.answer-written')
      if (this.#closed) return false
    }
    this.#questions.answer(questionId, answer)
    return true
  }

  async #takeMessage({ id, content }: FollowUp): Promise<boolean> {
    const { writer } = this.#parts
    if (writer.progress.taken === id) return true
    if (this.#followUps.closed) return false
    await writer.write({ type: 'userMessage', content }, withFollowUp({ id, content })) // D2
    faultPoint('runner.message-written')
    if (!this.#followUps.push({ id, content })) {
      writer.note(withRefused(id))
      return false
    }
    this.#parts.silence.heard()
    return true
  }

  async #show(questionId: string, question: Omit<Ask, 'key'>): Promise<void> {
    this.#questions.open(questionId)
    try {
      const report = { type: 'asked', question: { questionId, ...question } } as const
      const body = { type: 'userQuestion', questionId, ...toMutable(question) } as const
      await this.#parts.writer.report({ id: `asked:${questionId}`, report }, body)
    } catch (error) {
      this.#questions.forget(questionId)
      throw error
    }
  }
}

const toMutable = ({ options, ...rest }: Omit<Ask, 'key'>) => ({ ...rest, ...(options && { options: [...options] }) })
