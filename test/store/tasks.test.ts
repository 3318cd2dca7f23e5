import { expect, it } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { getActor, insertActor } from '../../core/store/actors.ts'
import { getAgentTask } from '../../core/store/agent-tasks.ts'
import { insertComment, listComments } from '../../core/store/comments.ts'
import { insertMessages, lastSeq } from '../../core/store/messages.ts'
import { insertQuestion, listQuestions } from '../../core/store/questions.ts'
import {
  getSession,
  getSessionStart,
  listSessionsOfTask,
  liveSessions,
  updateSession,
} from '../../core/store/sessions.ts'
import {
  countTasksOfGroup,
  countTasksOfRepository,
  deleteTask,
  getTask,
  listTasks,
  queuedTasks,
  type TaskFilter,
  updateTask,
} from '../../core/store/tasks.ts'
import { describeEachDatabase } from '../helpers/databases.ts'
import { noId, openSample, type Sample } from './sample.ts'

const titles = async ({ store }: Sample, filter: Partial<TaskFilter> = {}) =>
  (await store.read((tx) => listTasks(tx, { limit: 100, ...filter }))).tasks.map((task) => task.title)

await describeEachDatabase('tasks', (databases) => {
  it('are given back as they were inserted and changed', async () => {
    await using sample = await openSample(databases)
    const error = { code: 'MERGE_CONFLICT' as const, message: 'no', details: { files: ['a"b', '\u0000'] } }
    const task = await sample.addTask({ title: 'ünïcode \u0000 🎭', model: 'big', error })
    expect(task).toMatchObject({ title: 'ünïcode \u0000 🎭', error })
    const stored = await sample.store.read((tx) => getTask(tx, task.id))
    // PostgreSQL has no NUL character, so no database keeps it.
    expect(stored).toEqual({
      ...task,
      title: 'ünïcode \uFFFD 🎭',
      error: { ...error, details: { files: ['a"b', '\uFFFD'] } },
    })
    const changes = { model: null, error: null, waitingFor: 'input' as const }
    expect(await sample.store.transaction((tx) => updateTask(tx, task.id, changes))).toBe(true)
    const { model: _model, error: _error, ...rest } = stored ?? task
    const changed = await sample.store.read((tx) => getTask(tx, task.id))
    expect(changed).toEqual({ ...rest, waitingFor: 'input', updatedAt: changed?.updatedAt })
    expect(changed?.createdAt).toBe(task.createdAt)
  })

  it('are found by the comparison that they are attempts of', async () => {
    await using sample = await openSample(databases)
    const comparisonId = newId()
    await sample.addTask({ title: 'one', comparisonId })
    await sample.addTask({ title: 'two', comparisonId })
    await sample.addTask({ title: 'other', comparisonId: newId() })
    await sample.addTask({ title: 'alone' })
    expect(await titles(sample, { comparisonId })).toEqual(['two', 'one'])
    expect(await titles(sample, { comparisonId: noId })).toEqual([])
    expect(await titles(sample, { comparisonId: 'no id' })).toEqual([])
  })

  it('that do not exist are not found, whatever the id looks like', async () => {
    await using sample = await openSample(databases)
    for (const id of [noId, 'abc', "' or 1=1 --"]) {
      expect(await sample.store.read((tx) => getTask(tx, id))).toBeUndefined()
      expect(await sample.store.transaction((tx) => updateTask(tx, id, { title: 'x' }))).toBe(false)
      expect(await sample.store.transaction((tx) => deleteTask(tx, id))).toBe(false)
    }
  })

  it('are listed newest first, in pages that neither repeat nor leave out', async () => {
    // All in the same millisecond: only the id is left to order by.
    await using sample = await openSample(databases, {
      now: () => 1_800_000_000_000,
      steady: () => 0,
      after: () => ({ [Symbol.dispose]() {} }),
    })
    for (let n = 1; n <= 7; n += 1) await sample.addTask({ title: `${n}` })
    const pages: string[][] = []
    let cursor: string | undefined
    do {
      const page = await sample.store.read((tx) => listTasks(tx, { limit: 3, ...(cursor && { cursor }) }))
      pages.push(page.tasks.map((task) => task.title))
      cursor = page.nextCursor
    } while (cursor)
    expect(pages).toEqual([['7', '6', '5'], ['4', '3', '2'], ['1']])
  })

  it('are not listed from a cursor that the list did not give', async () => {
    await using sample = await openSample(databases)
    for (const cursor of ['', 'x', '%%%', Buffer.from('2026 x').toString('base64url')]) {
      await expect(titles(sample, { cursor })).rejects.toMatchObject({ code: 'INVALID_PARAMS' })
    }
  })

  it('are found by status, repository and text', async () => {
    await using sample = await openSample(databases)
    await sample.addTask({ title: 'Fix the ÄRGER', status: 'queued' })
    await sample.addTask({ title: '100 % done_', prompt: 'say "hi"', status: 'done' })
    expect(await titles(sample, { status: ['queued', 'failed'] })).toEqual(['Fix the ÄRGER'])
    expect(await titles(sample, { status: [] })).toEqual([])
    expect(await titles(sample, { repositoryId: sample.repositoryId })).toHaveLength(2)
    expect(await titles(sample, { repositoryId: noId })).toEqual([])
    expect(await titles(sample, { repositoryId: 'abc' })).toEqual([])
    expect(await titles(sample, { search: 'ärger' })).toEqual(['Fix the ÄRGER'])
    expect(await titles(sample, { search: 'SAY "HI' })).toEqual(['100 % done_'])
    expect(await titles(sample, { search: '%' })).toEqual(['100 % done_'])
    expect(await titles(sample, { search: '_' })).toEqual(['100 % done_'])
    expect(await titles(sample, { search: 'fix', status: ['done'] })).toEqual([])
  })

  it('wait for a worker in the order in which they were queued', async () => {
    await using sample = await openSample(databases)
    const queued = { status: 'queued' as const, waitingFor: 'worker' as const }
    await sample.addTask({ ...queued, title: 'second', queuedAt: '2026-01-02T00:00:00.000Z' })
    await sample.addTask({ ...queued, title: 'first', queuedAt: '2026-01-01T00:00:00.000Z' })
    await sample.addTask({
      ...queued,
      title: 'waits for secrets',
      waitingFor: 'secrets',
      queuedAt: '2025-01-01T00:00:00.000Z',
    })
    const all = await sample.store.read((tx) => queuedTasks(tx, 10))
    expect(all.map((task) => task.title)).toEqual(['first', 'second'])
    expect(await sample.store.read((tx) => queuedTasks(tx, 1))).toHaveLength(1)
  })

  it('are counted by group and repository', async () => {
    await using sample = await openSample(databases)
    await sample.addTask()
    const count = (groupId: string, repositoryId: string) =>
      sample.store.read(async (tx) => [
        await countTasksOfGroup(tx, groupId),
        await countTasksOfRepository(tx, repositoryId),
      ])
    expect(await count(sample.groupId, sample.repositoryId)).toEqual([1, 1])
    expect(await count(noId, 'abc')).toEqual([0, 0])
  })

  it('take everything of theirs with them when they are deleted, and nothing else', async () => {
    await using sample = await openSample(databases)
    const { store } = sample
    const [task, other] = [await sample.addTask(), await sample.addTask()]
    const [session, otherSession] = [await sample.addSession(task), await sample.addSession(other)]
    const fill = (taskId: string, sessionId: string) =>
      store.transaction(async (tx) => {
        const at = new Date().toISOString()
        await insertMessages(tx, [{ sessionId, seq: 1, type: 'text', at, body: '{"type":"text"}' }])
        await insertQuestion(tx, {
          id: newId(),
          sessionId,
          unitTaskId: taskId,
          kind: 'plan',
          prompt: '?',
          status: 'pending',
        })
        await insertComment(tx, {
          id: newId(),
          unitTaskId: taskId,
          file: 'a',
          startLine: 1,
          endLine: 1,
          side: 'new',
          text: 'x',
          resolved: false,
        })
        for (const id of [taskId, sessionId])
          await insertActor(tx, { id, machine: 'm', machineVersion: 1, snapshot: '{}' })
      })
    await fill(task.id, session.id)
    await fill(other.id, otherSession.id)
    const left = (taskId: string, agentTaskId: string, sessionId: string) =>
      store.read(
        async (tx) =>
          [
            await getTask(tx, taskId),
            await getAgentTask(tx, agentTaskId),
            await getSession(tx, sessionId),
            (await lastSeq(tx, sessionId)) || undefined,
            (await listQuestions(tx, { taskId }))[0],
            (await listComments(tx, taskId))[0],
            await getActor(tx, taskId),
            await getActor(tx, sessionId),
          ].filter((found) => found !== undefined).length,
      )
    expect(await left(task.id, task.agentTaskId, session.id)).toBe(8)
    expect(await store.transaction((tx) => deleteTask(tx, task.id))).toBe(true)
    expect(await left(task.id, task.agentTaskId, session.id)).toBe(0)
    expect(await left(other.id, other.agentTaskId, otherSession.id)).toBe(8)
  })
})

await describeEachDatabase('sessions', (databases) => {
  it('are given back with their last sequence number, and what they were started with beside them', async () => {
    await using sample = await openSample(databases)
    const task = await sample.addTask()
    const session = await sample.addSession(task, { prompt: 'go', resumeOf: 'conversation-1', attempt: 2 })
    const at = '2026-01-01T00:00:00.000Z'
    await sample.store.transaction(async (tx) => {
      const body = '{"type":"text","content":"x"}'
      await insertMessages(
        tx,
        [1, 2, 3].map((seq) => ({ sessionId: session.id, seq, type: 'text' as const, at, body })),
      )
      await updateSession(tx, session.id, {
        status: 'failed',
        outcome: 'failed',
        endedAt: at,
        usage: { inputTokens: 1, outputTokens: 2 },
      })
    })
    const found = await sample.store.read((tx) => getSession(tx, session.id))
    const usage = { inputTokens: 1, outputTokens: 2 }
    const ended = { status: 'failed', outcome: 'failed', endedAt: at, usage, lastSeq: 3, updatedAt: found?.updatedAt }
    expect(found).toEqual({ ...session, ...ended })
    const start = { prompt: 'go', resumeOf: 'conversation-1', attempt: 2 }
    expect(await sample.store.read((tx) => getSessionStart(tx, session.id))).toEqual(start)
    expect(await sample.store.read((tx) => getSession(tx, noId))).toBeUndefined()
  })

  it('are listed oldest first by task and by agent task', async () => {
    await using sample = await openSample(databases)
    const task = await sample.addTask()
    const ids = [await sample.addSession(task), await sample.addSession(task)].map((session) => session.id)
    await sample.addSessionId()
    const ofTask = await sample.store.read((tx) => listSessionsOfTask(tx, task.id))
    expect(ofTask.map((session) => session.id)).toEqual(ids)
    const agentTask = await sample.store.read((tx) => getAgentTask(tx, task.agentTaskId))
    expect(agentTask?.sessions).toEqual(ofTask)
  })

  it('are live until they have ended', async () => {
    await using sample = await openSample(databases)
    const task = await sample.addTask()
    const live = await sample.addSession(task, { status: 'stopping' })
    await sample.addSession(task, { status: 'lost' })
    expect(await sample.store.read((tx) => liveSessions(tx))).toEqual([live])
    expect(await sample.store.read((tx) => liveSessions(tx, sample.workerId))).toEqual([live])
    expect(await sample.store.read((tx) => liveSessions(tx, noId))).toEqual([])
  })
})
