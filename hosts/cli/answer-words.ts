/** The answer to a question as its user typed it: options may be named by their numbers. */
import type { Question } from '../../core/contract/records.ts'

type Offered = Pick<Question, 'options' | 'multiple'>

/** `2` is the words of the second option, `1, 3` those of two where several may be chosen; anything else is itself. */
export function toWords(answer: string, { options = [], multiple }: Offered): string {
  if (options.some(({ label }) => label === answer)) return answer
  const parts = multiple === true ? answer.split(',') : [answer]
  const labels = parts.map((part) => (/^\s*\d+\s*$/.test(part) ? options[Number(part) - 1]?.label : undefined))
  return labels.every((label) => label !== undefined) ? labels.join(', ') : answer
}

/** `1. Hello, 2. Ahoy`. */
export const numbered = ({ options = [] }: Offered): string =>
  options.map(({ label }, at) => `${at + 1}. ${label}`).join(', ')
