/** The main job with the real Claude Code: what a developer does with Troupe, step by step. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Scripts } from '../../fixtures/model-server/script.ts'
import { startModelServer } from '../../fixtures/model-server/server.ts'
import { claudeCodeProbe } from '../helpers/agent-programs.ts'
import { requires } from '../helpers/requirement.ts'
import { openTroupe, type Troupe } from '../helpers/troupe.ts'
import { logOf, useClaude } from './agents-at-work.ts'

const describeWithClaude = await requires('Claude Code', claudeCodeProbe)

const question = {
  tool: 'AskUserQuestion',
  input: {
    questions: [
      {
        question: 'Which greeting?',
        header: 'Greeting',
        multiSelect: false,
        options: [
          { label: 'Hello', description: 'plain' },
          { label: 'Ahoy', description: 'for sailors' },
        ],
      },
    ],
  },
}

const scripts: Scripts = {
  greet: {
    match: /write a greeting/,
    turns: [
      { reply: [{ text: 'Let me ask first.' }, question] },
      {
        when: { toolResult: /Ahoy/ },
        capture: { dir: /[^\s"'`]*\/worktrees\/[^\s"'`<]+/ },
        reply: [{ tool: 'Write', input: { file_path: '{{dir}}/greeting.txt', content: 'Ahoy\n' } }],
      },
      {
        // A host that was restarted meanwhile brings the answer as a message.
        when: { lastUserText: /The answer is: Ahoy/ },
        capture: { dir: /[^\s"'`]*\/worktrees\/[^\s"'`<]+/ },
        reply: [{ tool: 'Write', input: { file_path: '{{dir}}/greeting.txt', content: 'Ahoy\n' } }],
      },
      { reply: [{ text: 'I wrote the greeting.' }] },
      {
        when: { lastUserText: /louder/ },
        capture: { dir: /[^\s"'`]*\/worktrees\/[^\s"'`<]+/ },
        reply: [{ tool: 'Write', input: { file_path: '{{dir}}/greeting.txt', content: 'AHOY\n' } }],
      },
      { reply: [{ text: 'It is louder now.' }] },
    ],
  },
}

describeWithClaude('a developer with Claude Code', () => {
  const journey = async (restart: (troupe: Troupe) => Promise<void>) => {
    await using server = await startModelServer({ scripts })
    await using troupe = await openTroupe()
    await useClaude(troupe, server.url)
    const repository = await troupe.lab.repository()
    await troupe.start()
    const task = await troupe.addTask(repository, { prompt: 'Please write a greeting.', agent: 'claude-code' })

    const waiting = await troupe.until(task.id, (now) => now.waitingFor === 'input')
    const firstSession = waiting.sessionId!
    await restart(troupe)
    const { questions } = await troupe.client.call('listQuestions', { id: task.id })
    expect(questions).toMatchObject([
      { kind: 'question', prompt: expect.stringContaining('Which greeting?'), status: 'pending' },
    ])
    await troupe.client.call('answerQuestion', { questionId: questions[0]!.id, answer: 'Ahoy' })

    const reviewed = await troupe.until(task.id, (now) => ['in_review', 'failed'].includes(now.status))
    expect(reviewed).toMatchObject({ status: 'in_review' })
    await restart(troupe)
    const { diff } = await troupe.client.call('getTaskDiff', { id: task.id })
    expect(diff.files).toMatchObject([
      { path: 'greeting.txt', change: 'added', patch: expect.stringContaining('+Ahoy') },
    ])

    await troupe.client.call('requestChanges', { id: task.id, prompt: 'Make it louder.' })
    const changed = await troupe.until(task.id, (now) => ['in_review', 'failed'].includes(now.status))
    expect(changed).toMatchObject({ status: 'in_review' })
    const { agentTask } = await troupe.client.call('getAgentTask', { id: task.agentTaskId })
    const conversations = new Set(agentTask.sessions.map((session) => session.agentSessionId))
    expect(conversations.size).toBe(1) // the agent's own conversation goes on

    await restart(troupe)
    await troupe.client.call('approveUnitTask', { id: task.id })
    await restart(troupe)
    const committed = await troupe.client.call('commitTask', { id: task.id })
    expect(committed.task.status).toBe('done')
    expect(await readFile(join(repository.path, 'greeting.txt'), 'utf8')).toBe('AHOY\n')
    expect(await repository.git('status', '--porcelain')).toBe('')
    expect(await repository.git('log', '-1', '--format=%(trailers)', committed.task.endCommit!)).toContain(task.id)
    return { log: await logOf(troupe, firstSession) }
  }

  test('asks, answers, reviews, sends back, approves and merges', async () => {
    const { log } = await journey(async () => {})
    expect(log[0]).toMatchObject({ type: 'start', agent: 'claude-code', seq: 1 })
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    const types = log.map(({ type }) => type)
    for (const type of ['userMessage', 'userQuestion', 'userAnswer', 'toolUse', 'toolResult', 'text'] as const) {
      expect(types).toContain(type)
    }
    expect(log.at(-1)).toMatchObject({ type: 'complete', success: true })
    expect(JSON.stringify(log)).not.toContain('sk-ant-fake-key')
  })

  test('loses nothing when the host is stopped and started between any two steps', async () => {
    const { log } = await journey(async (troupe) => {
      await troupe.stop('SIGTERM')
      await troupe.start()
    })
    expect(log.at(-1)).toMatchObject({ type: 'error', code: 'ABORTED', retryable: true })
  })

  test('loses nothing when the host is killed between any two steps', async () => {
    const { log } = await journey(async (troupe) => {
      await troupe.stop('SIGKILL')
      await troupe.start()
    })
    // The agent outlived both hosts.
    expect(log.at(-1)).toMatchObject({ type: 'complete', success: true })
    expect(log.map(({ seq }) => seq)).toEqual(log.map((_, index) => index + 1))
    expect(log.filter(({ type }) => type === 'userQuestion' || type === 'userAnswer').length).toBe(2)
  })
})
