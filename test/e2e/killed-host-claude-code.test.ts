/** The real Claude Code, whose host is killed in the middle of its work. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { type ModelServer, startModelServer } from '../../fixtures/model-server/server.ts'
import type { Turn } from '../../fixtures/model-server/script.ts'
import type { Message } from '../../core/contract/messages.ts'
import type { UnitTask } from '../../core/contract/records.ts'
import { claudeCodeProbe } from '../helpers/agent-programs.ts'
import { processesWith } from '../helpers/processes.ts'
import { requires } from '../helpers/requirement.ts'
import { openTroupe, type Troupe } from '../helpers/troupe.ts'
import {
  isAtRest,
  lastingPidsOf,
  linesOf,
  logOf,
  markerOf,
  pidOf,
  pidsOf,
  sessionsOf,
  useClaude,
} from './agents-at-work.ts'

const describeWithClaude = await requires('Claude Code', claudeCodeProbe)

interface AtWork {
  readonly troupe: Troupe
  readonly server: ModelServer
  readonly task: UnitTask
  readonly sessionId: string
}

async function beginWork(opened: AsyncDisposableStack, script: readonly Turn[]): Promise<AtWork> {
  const server = opened.use(await startModelServer({ script }))
  const troupe = opened.use(await openTroupe())
  await useClaude(troupe, server.url)
  const repository = await troupe.lab.repository()
  await troupe.start()
  const { id } = await troupe.addTask(repository, { prompt: 'Please do it.', agent: 'claude-code' })
  const task = await troupe.until(id, ({ worktreePath }) => worktreePath !== undefined)
  return { troupe, server, task, sessionId: task.sessionId! }
}

const claudeOf = (task: UnitTask) => lastingPidsOf(task, '--output-format')

async function restart(troupe: Troupe): Promise<void> {
  await troupe.stop('SIGKILL')
  await troupe.start()
}

/** One session, by one process, with everything said once. */
async function expectWhole({ troupe, task, sessionId }: AtWork): Promise<Message[]> {
  expect(await troupe.until(task.id, isAtRest)).toMatchObject({ status: 'in_review', sessionId })
  const log = await logOf(troupe, sessionId)
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
  expect(log.at(-1)).toMatchObject({ type: 'complete', success: true })
  expect(processesWith(markerOf(task))).toEqual([])
  return log
}

describeWithClaude('Claude Code outlives its killed host', () => {
  test('while it streams, and when the next host is killed too', async () => {
    await using opened = new AsyncDisposableStack()
    const words = Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ')
    const work = await beginWork(opened, [
      { reply: [{ text: 'First.' }, { tool: 'Bash', input: { command: 'echo so far' } }] },
      { gate: 'stream', chunks: 40, chunkDelayMs: 50, reply: [{ text: words }] },
    ])
    const { troupe, server, task } = work
    await server.reached('stream')
    const before = await claudeOf(task)
    expect(before.length).toBeGreaterThan(0)
    server.open('stream')
    await troupe.stop('SIGKILL')
    await troupe.start()
    await restart(troupe)
    expect(linesOf(await expectWhole(work))).toEqual(['First.', words])
  })

  test('while a tool runs', async () => {
    await using opened = new AsyncDisposableStack()
    const command = 'echo begun > begun; until test -e go; do sleep 0.05; done; echo the tool is done'
    const work = await beginWork(opened, [
      { reply: [{ tool: 'Bash', input: { command } }] },
      { when: { toolResult: /the tool is done/ }, reply: [{ text: 'I saw it.' }] },
    ])
    const { troupe, task } = work
    await expect.poll(() => pidsOf(task, 'test -e go').length).toBeGreaterThan(0)
    const atWork = async () => [...(await claudeOf(task)), ...(await lastingPidsOf(task, 'test -e go'))]
    const before = await atWork()
    await restart(troupe)
    expect(await atWork()).toEqual(before)
    writeFileSync(join(task.worktreePath!, 'go'), '')
    const log = await expectWhole(work)
    expect(log.filter(({ type }) => type === 'toolUse' || type === 'toolResult').map(({ type }) => type)).toEqual([
      'toolUse',
      'toolResult',
    ])
    expect(linesOf(log)).toEqual(['I saw it.'])
  })

  test('while it waits for an answer, which is given while no host is there', async () => {
    await using opened = new AsyncDisposableStack()
    const options = ['Hello', 'Ahoy'].map((label) => ({ label, description: label }))
    const questions = [{ question: 'Which greeting?', header: 'Greeting', multiSelect: false, options }]
    const work = await beginWork(opened, [
      { reply: [{ tool: 'AskUserQuestion', input: { questions } }] },
      { when: { toolResult: /Ahoy/ }, reply: [{ text: 'Ahoy it is.' }] },
    ])
    const { troupe, task } = work
    await troupe.until(task.id, (now) => now.waitingFor === 'input')
    const before = await claudeOf(task)
    await troupe.stop('SIGKILL')
    const answered = await troupe.run(['task', 'answer', task.id, 'Ahoy'])
    expect([answered.code, answered.stderr]).toEqual([0, ''])
    expect(await claudeOf(task)).toEqual(before)
    await troupe.start()
    const log = await expectWhole(work)
    expect(linesOf(log)).toEqual(['Ahoy it is.'])
    expect(log.filter(({ type }) => type === 'userQuestion' || type === 'userAnswer').map(({ type }) => type)).toEqual([
      'userQuestion',
      'userAnswer',
    ])
  })

  test('in the middle of a follow-up, which is heard once', async () => {
    await using opened = new AsyncDisposableStack()
    const work = await beginWork(opened, [
      { gate: 'first', reply: [{ text: 'First.' }] },
      { when: { lastUserText: /and docs/ }, reply: [{ text: 'Docs too.' }] },
    ])
    const { troupe, server, task, sessionId } = work
    await server.reached('first')
    await troupe.client.call('sendMessage', { id: task.id, content: 'and docs' })
    const heard = async () => (await logOf(troupe, sessionId)).filter((message) => message.type === 'userMessage')
    await expect.poll(async () => (await heard()).length).toBe(2)
    const before = await claudeOf(task)
    await restart(troupe)
    expect(await claudeOf(task)).toEqual(before)
    server.open('first')
    const log = await expectWhole(work)
    expect(linesOf(log)).toEqual(['First.', 'Docs too.'])
    expect((await heard()).map((message) => message.content)).toEqual(['Please do it.', 'and docs'])
  })

  test('or resumes its conversation in a new session when it was killed too', async () => {
    await using opened = new AsyncDisposableStack()
    const work = await beginWork(opened, [
      { reply: [{ text: 'First.' }, { tool: 'Bash', input: { command: 'echo so far' } }] },
      { gate: 'held', reply: [{ text: 'Never said.' }] },
      { when: { lastUserText: /You were interrupted/ }, reply: [{ text: 'I go on.' }] },
    ])
    const { troupe, server, task, sessionId } = work
    await server.reached('held')
    await expect.poll(async () => linesOf(await logOf(troupe, sessionId))).toEqual(['First.'])
    await troupe.stop('SIGKILL')
    // Stopped first: wrapper and program end without a word, as with their machine.
    for (const signal of ['SIGSTOP', 'SIGKILL'] as const) {
      for (const line of processesWith(markerOf(task))) process.kill(pidOf(line), signal)
    }
    await troupe.start()
    expect(await troupe.until(task.id, isAtRest)).toMatchObject({ status: 'in_review' })
    const sessions = await sessionsOf(troupe, task)
    expect(sessions.map(({ outcome }) => outcome)).toEqual(['lost', 'completed'])
    expect(sessions[0]?.agentSessionId).toBe(sessions[1]?.agentSessionId)
    expect(linesOf(await logOf(troupe, sessions[1]!.id))).toEqual(['I go on.'])
  })
})
