/** Asks the person at the terminal. */
import { isCancel, multiselect, select, text } from '@clack/prompts'
import type { Question } from '../../../core/contract/records.ts'
import type { SessionsAtEnd } from '../../config.ts'
import { plainLine } from '../render/sanitize.ts'
import type { Streams } from '../streams.ts'

export type Answer =
  | { readonly kind: 'answer'; readonly text: string }
  /** Ctrl-C, or nobody wants to know any more. */
  | { readonly kind: 'cancelled' }

export interface PromptOptions {
  readonly streams: Streams
  readonly signal: AbortSignal
}

export interface AnswerOptions extends PromptOptions {
  /** Who gets the answer, where it is not plain. */
  readonly to?: string | undefined
}

const FREE_TEXT = '\0other'

/** Asks for the answer to a question that is on the screen already. */
export async function askAnswer(question: Question, prompt: AnswerOptions): Promise<Answer> {
  const labels = question.options?.map(({ label }) => label) ?? []
  if (labels.length === 0) return askText(titled('Your answer', prompt), prompt)
  if (question.multiple) return askSeveral(labels, prompt)
  const options = labels.map((value) => ({ value, label: plainLine(value) }))
  // Only an open question takes other words than its options.
  if (question.kind === 'question') options.push({ value: FREE_TEXT, label: 'Something else ...' })
  const chosen = await select({ message: titled('Your answer', prompt), options, ...io(prompt) })
  if (isCancel(chosen)) return { kind: 'cancelled' }
  return chosen === FREE_TEXT ? askText(titled('Your answer', prompt), prompt) : { kind: 'answer', text: chosen }
}

async function askSeveral(labels: readonly string[], prompt: AnswerOptions): Promise<Answer> {
  const options = labels.map((value) => ({ value, label: plainLine(value) }))
  const message = `${titled('Your answers', prompt)} (space selects)`
  const chosen = await multiselect({ message, options, required: true, ...io(prompt) })
  return isCancel(chosen) ? { kind: 'cancelled' } : { kind: 'answer', text: chosen.join(', ') }
}

const titled = (title: string, { to }: AnswerOptions): string => (to === undefined ? title : `${title} to ${to}`)

const validate = (value: string | undefined): string | undefined =>
  value?.trim() ? undefined : 'Say something, or press Ctrl-C.'

async function askText(message: string, prompt: PromptOptions): Promise<Answer> {
  const given = await text({ message, validate, ...io(prompt) })
  return isCancel(given) ? { kind: 'cancelled' } : { kind: 'answer', text: given.trim() }
}

export type InterruptionChoice = 'stop' | 'detach' | 'continue' | 'stop_now'

/** What Ctrl-C shall mean; a second Ctrl-C means to stop at once. */
export async function askInterruption(count: number, prompt: PromptOptions): Promise<InterruptionChoice> {
  const one = count === 1
  const chosen = await select<InterruptionChoice>({
    message: one ? 'The task is at work' : 'The attempts are at work',
    options: [
      { value: 'stop', label: one ? 'Stop the task' : 'Stop all', hint: 'the work so far is kept' },
      { value: 'detach', label: one ? 'Leave it running' : 'Leave them running', hint: 'and end this command' },
      { value: 'continue', label: 'Go on watching' },
    ],
    ...io(prompt),
  })
  return isCancel(chosen) ? 'stop_now' : chosen
}

/** What becomes of agents at work when their host ends; a second Ctrl-C leaves it to the configuration. */
export async function askAtEnd(
  count: number,
  prompt: PromptOptions,
): Promise<SessionsAtEnd | 'continue' | 'configured'> {
  const chosen = await select<SessionsAtEnd | 'continue'>({
    message: count === 1 ? 'An agent is at work' : `${count} agents are at work`,
    options: [
      { value: 'end', label: count === 1 ? 'End it' : 'End them', hint: 'with the next host the work goes on' },
      { value: 'leave', label: 'Leave at work', hint: 'the next host finds what was done meanwhile' },
      { value: 'continue', label: 'Go on serving' },
    ],
    ...io(prompt),
  })
  return isCancel(chosen) ? 'configured' : chosen
}

const io = ({ streams, signal }: PromptOptions) => ({ input: streams.stdin, output: streams.stdout, signal })
