/** `troupe task answer`: the answer to a question of the agent. */
import type { Command } from 'commander'
import { fail } from '../../../../core/base/errors.ts'
import type { Question, UnitTask } from '../../../../core/contract/records.ts'
import type { Client } from '../../../../core/rpc/client/index.ts'
import { numbered, toWords } from '../../answer-words.ts'
import { type Run, addCommand, usage, wholeNumber } from '../../command.ts'
import type { CommandContext } from '../../context.ts'
import { EXIT } from '../../exit-codes.ts'
import { askAnswer } from '../../follow/prompts.ts'
import { shortId } from '../../render/format.ts'
import { questionLines } from '../../render/question.ts'
import { plainLine } from '../../render/sanitize.ts'
import { isInteractive } from '../../streams.ts'
import { findTask } from '../../task-reference.ts'

interface AnswerOptions {
  readonly question?: string
  readonly option?: number
}

export function addAnswerCommand(group: Command, run: Run): void {
  const command = addCommand(group, 'answer <task> [answer]', {
    summary: 'Answer the question that an agent waits for',
    details:
      'Give the words of an option or its number (several joined by ", " where the question takes several), or free text. Without an answer it is asked here.',
    examples: ['troupe task answer 1a2b3c4d', 'troupe task answer 1a2b3c4d "JSON"', 'troupe task answer 1a2b3c4d 2'],
  })
    .option('--option <number>', 'the number of an option, from 1', wholeNumber(1, 1000))
    .option('--question <id>', 'which question, when there are several (default: the oldest)')
    .action((reference: string, answer: string | undefined, options: AnswerOptions) =>
      run(command, async (context) => {
        await using connection = await context.connect()
        const { client } = connection
        const task = await findTask(client, reference, context.signal)
        const question = await pendingQuestion(client, task, options.question)
        const text = answer === undefined ? await chooseAnswer(context, question, options) : toWords(answer, question)
        if (text === undefined) return EXIT.interrupted
        const params = { questionId: question.id, answer: text }
        const result = await client.call('answerQuestion', params, { signal: context.signal })
        context.output.result(result, () => [`Answered. Watch it: troupe task logs -f ${shortId(task.id)}`])
        return EXIT.done
      }),
    )
}

async function pendingQuestion(client: Client, task: UnitTask, id: string | undefined): Promise<Question> {
  const { questions } = await client.call('listQuestions', { id: task.id, status: 'pending' })
  const [oldest] = questions.toSorted((a, b) => a.createdAt.localeCompare(b.createdAt))
  const question = id === undefined ? oldest : questions.find((candidate) => candidate.id === id)
  return (
    question ??
    fail(
      'NOT_FOUND',
      `${shortId(task.id)} (${task.status}) has no question${id === undefined ? '' : ` ${plainLine(id)}`} that waits for an answer.`,
    )
  )
}

async function chooseAnswer(
  { output, signal, streams }: CommandContext,
  question: Question,
  { option }: AnswerOptions,
): Promise<string | undefined> {
  if (option !== undefined) {
    return question.options?.[option - 1]?.label ?? usage(`The question has ${question.options?.length ?? 0} options.`)
  }
  if (!isInteractive(streams) || output.json) {
    const offered = question.options?.length ? ` Its options: ${plainLine(numbered(question))}.` : ''
    return usage(`Give the answer to: ${plainLine(question.prompt)}${offered}`)
  }
  output.lines(questionLines({ ...question, question: question.prompt }, output.style))
  const answer = await askAnswer(question, { streams, signal })
  return answer.kind === 'answer' ? answer.text : undefined
}
