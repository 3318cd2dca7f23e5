/** A question of an agent, and how to answer it. */
import type { QuestionKind, QuestionOption } from '../../../core/contract/messages.ts'
import { firstLines } from './bounded.ts'
import { plainLine, plainText } from './sanitize.ts'
import { type Style, proseWidth } from './style.ts'
import { wrap } from './wrap.ts'

export interface Asked {
  readonly kind: QuestionKind
  readonly question: string
  readonly options?: readonly QuestionOption[]
  readonly multiple?: boolean
}

const TITLES: Readonly<Record<QuestionKind, string>> = {
  question: 'Question',
  permission: 'Permission',
  plan: 'Plan to approve',
}
/** Nobody shall agree to a plan of which they saw the beginning; a flood is cut all the same. */
const MOST_LINES = 300

/** @param answerWith a command that answers, shown below the question */
export function questionLines(asked: Asked, style: Style, answerWith?: string): string[] {
  const width = proseWidth(style) - 2
  const paint = (text: string) => style.paint('yellow', text)
  const body = [
    ...firstLines(wrap(plainText(asked.question).trim(), width), MOST_LINES),
    ...(asked.options ?? []).flatMap((option, at) => optionLines(option, at, width)),
    ...(asked.multiple ? ['(several may be chosen)'] : []),
  ]
  return [
    `${paint('┌')} ${style.paint(['bold', 'yellow'], TITLES[asked.kind])}`,
    ...body.map((line) => `${paint('│')} ${line}`),
    ...(answerWith === undefined ? [] : [`${paint('│')} ${style.paint('dim', `answer: ${answerWith}`)}`]),
    paint('└'),
  ]
}

function optionLines({ label, description }: QuestionOption, at: number, width: number): string[] {
  const text = description ? `${plainLine(label)}: ${plainLine(description)}` : plainLine(label)
  return wrap(`  ${at + 1}. ${text}`, width)
}
