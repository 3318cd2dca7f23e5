/** What a new session is told when it goes on with the work of an earlier one. */
import type { AskedQuestion } from './effects.ts'

/** What the next session of a task starts with. */
export interface NextPrompt {
  readonly prompt: string
  /** The agent's conversation to resume. */
  readonly resume?: string
}

export const continuePrompt =
  'You were interrupted: the program that runs you was restarted. Look at what is already done and go on with the task.'

export function answeredPrompt(question: AskedQuestion, answer: string): string {
  const asked = question.kind === 'question' ? 'You had asked' : 'You had asked for permission'
  return `You were interrupted while you waited for an answer. ${asked}: ${question.question}\nThe answer is: ${answer}\nGo on with the task.`
}
