/** Requests of an agent that wait for an answer: each is answered once, or not at all. */
import { expect, test } from 'vitest'
import { type Ask, type RequestsOptions, Requests } from '../../../core/plugin/contract/index.ts'
import { makeSession } from '../../helpers/plugin-io.ts'
import { ScriptedConnection } from '../../helpers/scripted-connection.ts'

interface Wish {
  readonly id: string
  readonly questions: readonly string[]
}

/** A person who answers what is in `answers`, and keeps everybody else waiting. */
function make(answers: Readonly<Record<string, string>>, change: Partial<RequestsOptions<Wish>> = {}) {
  const connection = new ScriptedConnection({ session: makeSession('wisher') })
  const { written } = connection
  const [asked, debugged]: [Ask[], string[]] = [[], []]
  const withdrawn: string[] = []
  const ask = (question: Ask, withdraw?: AbortSignal) => {
    asked.push(question)
    const answer = answers[question.question]
    if (answer !== undefined) return Promise.resolve(answer)
    return new Promise<string>((_, reject) =>
      withdraw?.addEventListener('abort', () => {
        withdrawn.push(question.question)
        reject(new Error('withdrawn'))
      }),
    )
  }
  let remembered = 0
  Object.assign(connection, {
    io: { ...connection.io, ask, debug: (text: string) => void debugged.push(text) },
    remember: () => void remembered++,
  })
  const requests = new Requests<Wish>(connection, {
    keyOf: ({ id }) => id,
    answer: async ({ id, questions }, askAll) => {
      const given = await askAll(questions.map((question) => ({ kind: 'question', question })))
      return { line: `${id}: ${given.join(', ')}` }
    },
    ...change,
  })
  return { requests, written, asked, debugged, withdrawn, remembered: () => remembered }
}

test('the questions of a request are asked one after the other, each under its key, and answered in one line', async () => {
  const { requests, written, asked, remembered } = make({ 'Which?': 'Blue', 'Why?': 'So' })
  const taken = requests.take({ id: 'a', questions: ['Which?', 'Why?'] })
  expect(requests.save()).toEqual([{ id: 'a', questions: ['Which?', 'Why?'] }])
  await taken
  expect(asked.map(({ key }) => key)).toEqual(['a/0', 'a/1'])
  expect(written).toEqual(['a: Blue, So'])
  expect(requests.save()).toEqual([])
  expect(remembered()).toBe(2)
})

test('one that is withdrawn is taken back from people, and nothing is answered any more', async () => {
  const { requests, written, withdrawn } = make({})
  const taken = requests.take({ id: 'a', questions: ['Which?'] })
  expect(requests.withdraw('another')).toBeUndefined()
  expect(withdrawn).toEqual([])
  expect(requests.withdraw('a')).toEqual({ id: 'a', questions: ['Which?'] })
  await taken
  expect(withdrawn).toEqual(['Which?'])
  expect(written).toEqual([])
})

test('one that is withdrawn while its answer is on its way is not answered', async () => {
  const { requests, written } = make({ 'Which?': 'Blue' })
  const taken = requests.take({ id: 'a', questions: ['Which?'] })
  requests.withdraw('a')
  await taken
  expect(written).toEqual([])
})

test('what was saved is asked again under the same key, once it goes on', async () => {
  const { requests, asked, written } = make({ 'Which?': 'Blue' }, { saved: [{ id: 'a', questions: ['Which?'] }] })
  expect(asked).toEqual([])
  requests.resume()
  await expect.poll(() => written).toEqual(['a: Blue'])
  expect(asked).toMatchObject([{ key: 'a/0' }])
})

test('one that cannot be answered stays owed, and harms nobody', async () => {
  const { requests, debugged } = make({}, { answer: () => Promise.reject(new Error('no way')) })
  await requests.take({ id: 'a', questions: [] })
  expect(requests.save()).toHaveLength(1)
  expect(debugged.join()).toContain('no way')
})

test('what else an answer leads to comes with the end of what is owed', async () => {
  const seen: number[] = []
  const { requests } = make({}, { answer: async () => ({ done: () => void seen.push(requests.save().length) }) })
  await requests.take({ id: 'a', questions: [] })
  expect(seen).toEqual([0])
})
