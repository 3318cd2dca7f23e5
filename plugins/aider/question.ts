/** Aider's questions for people, and their answers for Aider. Pure. */
import { type Ask, type QuestionOption, bounded } from 'troupe/plugin'

/** A question that Aider waits for. Plain data, for a checkpoint. */
export interface Prompt {
  readonly number: number
  /** Without the letters for its answers. */
  readonly question: string
  /** What it is about: a path, a command. */
  readonly subject: string
  /** It offers to answer the same for all that follow. */
  readonly all: boolean
}

const YES = 'Yes'
const ALL = 'Yes to all'
const NO = 'No'
const LONGEST_SUBJECT = 20_000

/** What stands before the others is what Aider has said or done. */
export const hasSubject = (question: string): boolean =>
  !/^(Add command output to the chat|Try to proceed anyway|Attempt to fix)/.test(question)

/** @param subject The lines before it. */
export function toPrompt(number: number, text: string, subject: string): Prompt {
  const [question = text] = text.split(' (Y)es/')
  return { number, question, subject: bounded(subject.trim(), LONGEST_SUBJECT), all: text.includes('/(A)ll') }
}

export function toAsk({ question, subject, all }: Prompt): Ask {
  const options: QuestionOption[] = [
    { label: YES },
    ...(all ? [{ label: ALL }] : []),
    { label: NO, description: 'Or answer with what to do instead' },
  ]
  return { kind: 'permission', question: subject === '' ? question : `${question}\n${subject}`, options }
}

export interface Answer {
  readonly letter: 'y' | 'a' | 'n'
  /** What the person wants instead. */
  readonly remark?: string
}

export function toAnswer({ all }: Prompt, answer: string): Answer {
  const given = answer.trim()
  const is = (label: string) => given.toLowerCase() === label.toLowerCase()
  if (is(YES)) return { letter: 'y' }
  if (all && is(ALL)) return { letter: 'a' }
  return { letter: 'n', ...(given !== '' && !is(NO) && { remark: given }) }
}

export const APPROVE = 'Approve'
export const APPROVE_EDITS = 'Approve and accept edits'
export const REJECT = 'Reject'

export const planAsk = (plan: string): Ask => ({
  kind: 'plan',
  question: bounded(plan, LONGEST_SUBJECT),
  options: [
    { label: APPROVE, description: 'Begin; ask before each file' },
    { label: APPROVE_EDITS, description: 'Begin; edit files without asking' },
    { label: REJECT, description: 'Leave it at the plan; or answer with what should be different' },
  ],
})
