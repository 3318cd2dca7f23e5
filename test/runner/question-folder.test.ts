/** Questions that an agent asks by its question server: a real one, with real hosts; and what else an agent may put into its folder. */
import { mkdir, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { silentLogger } from '../../core/base/logger.ts'
import type { Ask } from '../../core/plugin/contract/index.ts'
import { QuestionFolder } from '../../core/runner/question-folder.ts'
import { FolderWatches } from '../../core/sandbox/folder-watches.ts'
import { makeTestClock } from '../engine/workbench.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'
import { type Hosts, openHosts } from './hosts.ts'

const ASKS = '$ASK "Which port?"'
const NO_SETUP = { settings: { args: [] }, env: {}, idleMs: 0 }
const SECRET = { name: 'KEY', value: 'hunter2hunter2' }
const HOLDS = 'echo ready; read -r word'

const answerWith = (hosts: Hosts, answer: string, index = 0) =>
  hosts.runner.answer(hosts.sessionId, { questionId: hosts.questions[index]!.id, answer, by: 'x' })

const say = (hosts: Hosts, content: string) => hosts.runner.send(hosts.sessionId, { id: newId(), content, by: 'x' })

const questionsIn = (hosts: Hosts) => join(hosts.folder, 'questions')

/** As an agent would, without a server. */
async function put(folder: string, id: string, content: string): Promise<void> {
  const file = join(folder, `${id}.question.json`)
  await writeFile(`${file}.part`, content)
  await rename(`${file}.part`, file)
}

const idOf = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

async function answerTo(hosts: Hosts, id: string): Promise<unknown> {
  const read = () => readFile(join(questionsIn(hosts), `${id}.answer.json`), 'utf8').catch(() => '')
  await expect.poll(read).not.toBe('')
  return JSON.parse(await read())
}

describe('a question by a question server', () => {
  test('reaches people, and its answer the agent', async () => {
    await using hosts = await openHosts({ setup: () => ({ ...NO_SETUP, secrets: [SECRET] }) })
    await hosts.start(`$ASK "Is it ${SECRET.value}?"`)
    await hosts.untilReported('asked')
    await answerWith(hosts, 'No')
    await hosts.untilReported('ended')
    expect(await hosts.texts()).toEqual(['The answer is: No'])
    const log = await hosts.log()
    expect(log.filter(({ type }) => type.startsWith('user'))).toMatchObject([
      { type: 'userMessage' },
      { type: 'userQuestion', kind: 'question', question: 'Is it [secret KEY]?' },
      { type: 'userAnswer', answer: 'No' },
    ])
    expect(JSON.stringify(hosts.reports)).not.toContain('hunter2')
    expect(hosts.ended).toMatchObject({ outcome: 'completed' })
  })

  test('is asked once, though the host goes, and an answer that was given meanwhile settles it', async () => {
    await using hosts = await openHosts()
    await hosts.start(ASKS)
    await hosts.untilReported('asked')
    await hosts.next('leave')
    await hosts.recover(ASKS)
    await hosts.next('leave')
    Object.assign(hosts.questions[0]!, { status: 'answered', answer: '80' })
    await hosts.recover(ASKS)
    await hosts.untilReported('ended')
    expect(await hosts.texts()).toEqual(['The answer is: 80'])
    expect(hosts.questions.length).toBe(1)
  })

  test('is asked once, though the thread of the plugin dies', async () => {
    await using hosts = await openHosts()
    await hosts.start(`${ASKS} & read -r word; echo die; echo again; wait`)
    await hosts.untilReported('asked')
    await say(hosts, 'go on')
    await hosts.untilTexts(['again'])
    await answerWith(hosts, '80')
    await hosts.untilReported('ended')
    expect(await hosts.texts()).toEqual(['again', 'The answer is: 80'])
    expect(hosts.questions.length).toBe(1)
  })

  test('is withdrawn when the agent ends the server', async () => {
    await using hosts = await openHosts()
    await hosts.start(`${ASKS} & read -r word; kill $!; read -r word`)
    await hosts.untilReported('asked')
    await say(hosts, 'kill')
    await hosts.untilReported('withdrawn')
    expect(await readdir(questionsIn(hosts))).toEqual([])
  })
})

describe('the folder of questions', () => {
  test('answers what is no question with an error, and reads nothing outside', async () => {
    await using hosts = await openHosts()
    await hosts.start(HOLDS)
    await hosts.untilTexts(['ready'])
    await writeFile(join(hosts.folder, 'elsewhere'), '{"question":"Outside?"}')
    await symlink(join(hosts.folder, 'elsewhere'), join(questionsIn(hosts), `${idOf(1)}.question.json`))
    await mkdir(join(questionsIn(hosts), `${idOf(2)}.question.json`))
    await put(questionsIn(hosts), idOf(3), 'no JSON')
    await put(questionsIn(hosts), idOf(4), '{"question":7}')
    await put(questionsIn(hosts), idOf(5), JSON.stringify({ question: 'x'.repeat(300_000) }))
    for (const number of [1, 2, 3, 4, 5]) {
      expect(await answerTo(hosts, idOf(number))).toEqual({ error: expect.stringMatching(/./) })
    }
    expect(hosts.questions).toEqual([])
  })

  test('is let alone while it is a link to another one', async () => {
    using temporary = makeTemporaryFolder()
    const clock = makeTestClock()
    const asked: string[] = []
    const ask = async ({ question }: Ask) => (asked.push(question), 'yes')
    const folder = join(temporary.path, 'session')
    const watches = new FolderWatches(clock)
    using questions = new QuestionFolder({ folder, watches, clock, logger: silentLogger, ask })
    questions.open()
    await rename(questions.path, `${questions.path}-before`)
    await symlink(`${questions.path}-before`, questions.path)
    await put(questions.path, idOf(1), '{"question":"Outside?"}')
    clock.advance(10_000)
    expect(asked).toEqual([])
    await rm(questions.path)
    await rename(`${questions.path}-before`, questions.path)
    clock.advance(10_000)
    expect(asked).toEqual(['Outside?'])
  })

  test('harms nobody while a file is in its place, and is looked at again', async () => {
    using temporary = makeTemporaryFolder()
    const clock = makeTestClock()
    const asked: string[] = []
    const ask = async ({ question }: Ask) => (asked.push(question), 'yes')
    const folder = join(temporary.path, 'session')
    const watches = new FolderWatches(clock)
    using questions = new QuestionFolder({ folder, watches, clock, logger: silentLogger, ask })
    questions.open()
    await rename(questions.path, `${questions.path}-before`)
    await writeFile(questions.path, '')
    clock.advance(10_000)
    await rm(questions.path)
    await rename(`${questions.path}-before`, questions.path)
    await put(questions.path, idOf(1), '{"question":"Again?"}')
    clock.advance(10_000)
    expect(asked).toEqual(['Again?'])
  })

  test('harms nobody when a file is in its place from the beginning', async () => {
    using temporary = makeTemporaryFolder()
    const clock = makeTestClock()
    const asked: string[] = []
    const ask = async ({ question }: Ask) => (asked.push(question), 'yes')
    const watches = new FolderWatches(clock)
    await writeFile(join(temporary.path, 'questions'), '')
    using questions = new QuestionFolder({ folder: temporary.path, watches, clock, logger: silentLogger, ask })
    questions.open()
    clock.advance(10_000)
    await rm(questions.path)
    await mkdir(questions.path)
    await put(questions.path, idOf(1), '{"question":"At last?"}')
    clock.advance(10_000)
    expect(asked).toEqual(['At last?'])
  })

  test('shows a few at a time, however many there are', async () => {
    await using hosts = await openHosts()
    await hosts.start(HOLDS)
    await hosts.untilTexts(['ready'])
    for (let number = 0; number < 40; number += 1)
      await put(questionsIn(hosts), idOf(number), `{"question":"${number}?"}`)
    await expect.poll(() => hosts.questions.length).toBe(16)
    await answerWith(hosts, 'yes')
    const answers = async () => (await readdir(questionsIn(hosts))).filter((name) => name.endsWith('.answer.json'))
    await expect.poll(answers).toHaveLength(1)
    const [answer] = await answers()
    await rm(join(questionsIn(hosts), answer!.replace('answer', 'question')))
    await expect.poll(() => hosts.questions.length).toBe(17)
  })
})
