/** Questions of an agent while its task is watched. Owns: those that were shown, until they are answered. */
import { sleep } from '../../../core/base/waiting.ts'
import type { Message } from '../../../core/contract/messages.ts'
import type { Question } from '../../../core/contract/records.ts'
import type { Client } from '../../../core/rpc/client/index.ts'
import type { Attendance, Watched } from './attendance.ts'
import type { Interruption } from './interruption.ts'
import { askAnswer } from './prompts.ts'

/** The record of a question may follow its message by an instant. */
const TRIES = 10
const RETRY_MS = 200

/** Gives what hears of every message. */
export function makeQuestions(
  attendance: Attendance,
  interruption: Interruption,
  { taskId, label }: Watched,
): (message: Message) => void {
  const { client, context, inTurn, interactive, leave, options, signal, view } = attendance
  const open = new Map<string, AbortController>()

  async function ask(questionId: string, unwanted: AbortSignal): Promise<void> {
    const question = await findPending(client, taskId, questionId, unwanted)
    if (!question) return
    if (!interactive) return leave({ kind: 'waiting' })
    const prompt = { streams: context.streams, signal: unwanted, to: label }
    const answer = await view.whileHeld(() => askAnswer(question, prompt))
    if (answer.kind === 'answer') {
      await client.call('answerQuestion', { questionId, answer: answer.text }, { signal })
    } else if (!unwanted.aborted) await cancelled(questionId)
  }

  /** If the person goes on watching, the question still stands. */
  async function cancelled(questionId: string): Promise<void> {
    await interruption.ask()
    if (!signal.aborted && !interruption.stopping) begin(questionId)
  }

  function begin(questionId: string): void {
    const answered = open.get(questionId) ?? new AbortController()
    open.set(questionId, answered)
    inTurn(() => ask(questionId, AbortSignal.any([signal, answered.signal])))
  }

  return (message) => {
    if (message.type === 'userQuestion' && (interactive || options.exitOnQuestion)) begin(message.questionId)
    if (message.type !== 'userAnswer') return
    open.get(message.questionId)?.abort()
    open.delete(message.questionId)
  }
}

/** Undefined when it is answered or withdrawn: a log tells of the past too. */
async function findPending(
  client: Client,
  taskId: string,
  questionId: string,
  signal: AbortSignal,
): Promise<Question | undefined> {
  for (let tries = 0; tries < TRIES && !signal.aborted; tries++) {
    const { questions } = await client.call('listQuestions', { id: taskId })
    const question = questions.find(({ id }) => id === questionId)
    if (question) return question
    await sleep(RETRY_MS, signal).catch(() => {})
  }
  return undefined
}
