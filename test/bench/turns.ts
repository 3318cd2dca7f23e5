/** A further turn in a session at work, against the same program held by hand: an answer goes in, the next text comes. */
import { mkdtempSync } from 'node:fs'
import { join } from 'node:path'
import { startModelServer } from '../../fixtures/model-server/server.ts'
import { sleep } from '../../core/base/waiting.ts'
import type { Message } from '../../core/rpc/client/index.ts'
import { claudeSetup, giveClaude, isText, makeBarePlace, startBareClaude, type ClaudeSetup } from './runner/claude.ts'
import { followTask } from './runner/following.ts'
import { openBenchHost, sessionOf, type BenchHost } from './runner/host.ts'
import { atMost, type Row } from './runner/row.ts'
import { alternate, timed } from './runner/statistics.ts'

const TURNS = 30
const WARMUPS = 3
/** Between two turns, so that none begins while the one before is still being stored. */
const PAUSE_MS = 60
const QUESTION = 'Go on?'
const ANSWER = 'Yes'
const OPTIONS = [
  { label: ANSWER, description: 'go on' },
  { label: 'No', description: 'end' },
]
const TURN = {
  reply: [
    { text: 'A text.' },
    {
      tool: 'AskUserQuestion',
      input: { questions: [{ question: QUESTION, header: 'Next', multiSelect: false, options: OPTIONS }] },
    },
  ],
  times: 'always',
} as const

export async function benchTurns(): Promise<Row[]> {
  await using server = await startModelServer({ script: [TURN] })
  const setup = await claudeSetup(server.url)
  await using host = await openBenchHost()
  host.troupe.configure(giveClaude(host.troupe, setup))
  await host.troupe.stop()
  await host.troupe.start()
  await using own = await openOwn(host)
  await using bare = await openBare(setup, host)
  const times = await alternate(
    { rounds: TURNS, warmups: WARMUPS },
    () => own.turn(),
    () => bare.turn(),
  )
  await own.stop()
  return [
    {
      name: 'a further turn in a session at work, Claude Code',
      unit: 'ms',
      ...times,
      goals: [atMost('difference', 5)],
      how: `${TURNS} alternating turns, scripted model: the call that answers its question to the next text at the client, against answering a long-lived \`claude -p\` on its stdin`,
    },
  ]
}

async function openOwn(host: BenchHost) {
  const { client } = host.troupe
  const { repository } = await client.call('addRepository', { path: host.repository.path })
  const params = { repositoryId: repository.id, agent: 'claude-code', prompt: 'Begin.', start: true }
  const { task } = await client.call('createUnitTask', params)
  const following = await followTask(client, task.id)
  const sessionId = sessionOf(await following.until('A session', (now) => now.sessionId !== undefined))
  const messages = following.read(sessionId)
  await messages.next(isQuestion)
  return {
    async turn(): Promise<number> {
      await sleep(PAUSE_MS)
      const { questions } = await client.call('listQuestions', { id: task.id })
      const [question] = questions
      if (!question) throw new Error('There is no question.')
      const ms = await timed(async () => {
        const text = messages.next(({ type }) => type === 'text')
        await client.call('answerQuestion', { questionId: question.id, answer: ANSWER })
        await text
      })
      await messages.next(isQuestion)
      return ms
    },
    stop: () => client.call('stopTaskExecution', { id: task.id }),
    async [Symbol.asyncDispose]() {
      messages[Symbol.dispose]()
      await following[Symbol.asyncDispose]()
    },
  }
}

const isQuestion = ({ type }: Message): boolean => type === 'userQuestion'

async function openBare(setup: ClaudeSetup, { repository, troupe }: BenchHost) {
  const place = await makeBarePlace(repository, mkdtempSync(join(troupe.lab.folder, 'bare-')))
  const claude = startBareClaude(setup, place)
  claude.say('Begin.')
  let asked = await claude.next(isRequest)
  return {
    async turn(): Promise<number> {
      await sleep(PAUSE_MS)
      const updatedInput = { ...asked.request?.input, answers: { [QUESTION]: ANSWER } }
      const answer = { subtype: 'success', request_id: asked.request_id, response: { behavior: 'allow', updatedInput } }
      const ms = await timed(async () => {
        claude.write({ type: 'control_response', response: answer })
        await claude.next(isText)
      })
      asked = await claude.next(isRequest)
      return ms
    },
    [Symbol.asyncDispose]: () => claude[Symbol.asyncDispose](),
  }
}

const isRequest = ({ type }: { readonly type: string }): boolean => type === 'control_request'
