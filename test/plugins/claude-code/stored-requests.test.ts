/** What a checkpoint has of what Claude Code waits for. */
import { expect, test } from 'vitest'
import { answerTo } from '../../../plugins/claude-code/questions.ts'
import { toAsks } from '../../../plugins/claude-code/question.ts'
import type { AgentRequest, PermissionRequest } from '../../../plugins/claude-code/state.ts'
import { toStored } from '../../../plugins/claude-code/stored-requests.ts'

const request = (requestId: string, toolName: string, input: PermissionRequest['input']): PermissionRequest => ({
  kind: 'permission',
  requestId,
  toolName,
  input,
  suggestions: [],
})

/** As a host finds it that goes on with the session. */
const restore = (requests: readonly AgentRequest[]): PermissionRequest[] =>
  toStored(requests).flatMap((stored) => (stored.kind === 'permission' ? [{ ...stored, restored: true }] : []))

const answered = async (stored: PermissionRequest | undefined, answer: string) => {
  const { line } = stored ? await answerTo(stored, false, async (asks) => asks.map(() => answer)) : {}
  return JSON.parse(line ?? 'null')?.response.response
}

test('of a large edit it has the question, and the edit is allowed as it was asked for', async () => {
  const write = request('w', 'Write', { file_path: 'big.txt', content: 'x'.repeat(5_000_000) })
  const [stored] = restore([write])
  expect(JSON.stringify(stored).length).toBeLessThan(1000)
  expect(stored && toAsks(stored)).toEqual(toAsks(write))
  expect(await answered(stored, 'Allow')).toEqual({ behavior: 'allow' })
})

test('what was restored is stored again as it is', () => {
  const [stored] = restore([request('b', 'Bash', { command: 'y'.repeat(100_000) })])
  expect(stored && restore([stored])).toEqual([stored])
})

test('ten thousand large requests are little, the oldest with their questions and the others with their names', async () => {
  const all = Array.from({ length: 10_000 }, (_, index) =>
    request(`r${index}`, 'Bash', { command: `${index} ${'z'.repeat(10_000)}` }),
  )
  const stored = restore(all)
  expect(JSON.stringify(stored).length).toBeLessThan(4 * 1024 * 1024)
  expect(stored.map(({ requestId }) => requestId)).toEqual(all.map(({ requestId }) => requestId))
  expect(stored.slice(0, 100).map(toAsks)).toEqual(all.slice(0, 100).map(toAsks))
  const last = stored.at(-1)
  expect(last && toAsks(last)).toMatchObject([
    { kind: 'permission', question: 'Claude Code wants to use Bash, as the messages before this say.' },
  ])
  expect(await answered(last, 'Allow')).toEqual({ behavior: 'allow' })
})

test('questions are whole, for their answer is sent with them; of endless ones Claude Code is told to ask again', async () => {
  const questions = [{ question: 'Which colour?', options: [] }]
  const small = request('a', 'AskUserQuestion', { questions })
  const endless = request('b', 'AskUserQuestion', { questions: [{ question: 'Why?'.repeat(1_000_000) }] })
  const [first, second] = restore([small, endless])
  expect(await answered(first, 'Red')).toMatchObject({
    behavior: 'allow',
    updatedInput: { questions, answers: { 'Which colour?': 'Red' } },
  })
  expect(await answered(second, 'So')).toMatchObject({
    behavior: 'deny',
    message: expect.stringContaining('Ask again'),
  })
})
