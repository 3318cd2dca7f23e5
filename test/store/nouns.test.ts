import { expect, it } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { insertComment, listComments, resolveComments } from '../../core/store/comments.ts'
import { deleteGroup, getGroup, groupOfOne, insertGroup, listGroups, updateGroup } from '../../core/store/groups.ts'
import {
  answerQuestion,
  getQuestion,
  insertQuestion,
  listQuestions,
  withdrawQuestions,
} from '../../core/store/questions.ts'
import {
  deleteRepository,
  findRepositoryByPath,
  getRepository,
  insertRepository,
  listRepositories,
} from '../../core/store/repositories.ts'
import type { Tx } from '../../core/store/tx.ts'
import { ensureWorker, getWorker, listWorkers, updateWorker } from '../../core/store/workers.ts'
import {
  deleteWorkspace,
  ensureDefaultWorkspace,
  getWorkspace,
  insertWorkspace,
  updateWorkspace,
} from '../../core/store/workspaces.ts'
import { describeEachDatabase } from '../helpers/databases.ts'
import { noId, openSample } from './sample.ts'

await describeEachDatabase('questions', (databases) => {
  async function openAsked() {
    const sample = await openSample(databases)
    const task = await sample.addTask()
    const session = await sample.addSession(task)
    const ask = async (id = newId()) => {
      const options = [{ label: 'yes', description: 'go on' }, { label: 'no' }]
      const question = {
        id,
        sessionId: session.id,
        unitTaskId: task.id,
        kind: 'permission' as const,
        prompt: 'May I?',
        options,
      }
      return {
        id,
        added: await sample.store.transaction((tx) =>
          insertQuestion(tx, { ...question, multiple: false, status: 'pending' }),
        ),
      }
    }
    return { ...sample, task, session, ask }
  }
  const reply = { answer: 'yes', answeredBy: 'local' }

  it('are inserted once, however often they are repeated', async () => {
    await using sample = await openAsked()
    const { id, added } = await sample.ask()
    expect(added).toBe(true)
    await sample.store.transaction((tx) => answerQuestion(tx, { id, ...reply }))
    expect((await sample.ask(id)).added).toBe(false)
    const question = await sample.store.read((tx) => getQuestion(tx, id))
    expect(question).toMatchObject({
      status: 'answered',
      answer: 'yes',
      multiple: false,
      options: [{ label: 'yes', description: 'go on' }, { label: 'no' }],
    })
    expect(question?.answeredAt).toBe(question?.updatedAt)
  })

  it('are answered only while they are pending', async () => {
    await using sample = await openAsked()
    const { id } = await sample.ask()
    const answer = (questionId: string) =>
      sample.store.transaction((tx) => answerQuestion(tx, { id: questionId, ...reply }))
    expect(await answer(id)).toBe(true)
    expect(await answer(id)).toBe(false)
    expect(await answer(noId)).toBe(false)
    expect(await answer('abc')).toBe(false)
  })

  it('are withdrawn by id or with their session, the pending ones only', async () => {
    await using sample = await openAsked()
    const [a, b, c] = [await sample.ask(), await sample.ask(), await sample.ask()]
    await sample.store.transaction((tx) => answerQuestion(tx, { id: a.id, ...reply }))
    const withdraw = (which: Parameters<typeof withdrawQuestions>[1]) =>
      sample.store.transaction((tx) => withdrawQuestions(tx, which))
    expect(await withdraw({ ids: [a.id, b.id, 'abc'] })).toEqual([b.id])
    expect(await withdraw({ sessionId: sample.session.id })).toEqual([c.id])
    expect(await withdraw({ sessionId: sample.session.id })).toEqual([])
  })

  it('are listed by task, session and status, oldest first', async () => {
    await using sample = await openAsked()
    const [a, b] = [await sample.ask(), await sample.ask()]
    await sample.store.transaction((tx) => answerQuestion(tx, { id: a.id, ...reply }))
    const list = async (filter: Parameters<typeof listQuestions>[1]) =>
      (await sample.store.read((tx) => listQuestions(tx, filter))).map((question) => question.id)
    expect(await list({})).toEqual([a.id, b.id])
    expect(await list({ taskId: sample.task.id, status: 'pending' })).toEqual([b.id])
    expect(await list({ sessionId: sample.session.id, status: 'answered' })).toEqual([a.id])
    expect(await list({ taskId: noId })).toEqual([])
    expect(await list({ sessionId: 'abc' })).toEqual([])
  })
})

await describeEachDatabase('review comments', (databases) => {
  it('are listed oldest first and resolved together', async () => {
    await using sample = await openSample(databases)
    const task = await sample.addTask()
    const comment = {
      unitTaskId: task.id,
      file: 'a.ts',
      startLine: 1,
      endLine: 3,
      side: 'old' as const,
      resolved: false,
    }
    const inserted = await sample.store.transaction(async (tx) => [
      await insertComment(tx, { ...comment, id: newId(), text: 'one' }),
      await insertComment(tx, { ...comment, id: newId(), text: 'two' }),
    ])
    expect(await sample.store.read((tx) => listComments(tx, task.id))).toEqual(inserted)
    const ids = inserted.map(({ id }) => id)
    expect(await sample.store.transaction((tx) => resolveComments(tx, ids))).toBe(2)
    expect(await sample.store.transaction((tx) => resolveComments(tx, ids))).toBe(0)
    expect((await sample.store.read((tx) => listComments(tx, task.id))).map((one) => one.resolved)).toEqual([
      true,
      true,
    ])
  })
})

const addRepository = (tx: Tx, workspaceId: string, localPath: string) =>
  insertRepository(tx, {
    id: newId(),
    workspaceId,
    name: localPath,
    localPath,
    defaultBranch: 'main',
    vcsProvider: 'none',
  })

await describeEachDatabase('repositories and groups', (databases) => {
  it('have one repository for a path in a workspace', async () => {
    await using sample = await openSample(databases)
    const { store, workspaceId } = sample
    const place = { workspaceId, localPath: '/src/shop' }
    expect((await store.read((tx) => findRepositoryByPath(tx, place)))?.id).toBe(sample.repositoryId)
    expect(await store.read((tx) => findRepositoryByPath(tx, { ...place, localPath: '/other' }))).toBeUndefined()
    await expect(store.transaction((tx) => addRepository(tx, workspaceId, '/src/shop'))).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    const other = await store.transaction((tx) => insertWorkspace(tx, { id: newId(), name: 'other' }))
    const copy = await store.transaction((tx) => addRepository(tx, other.id, '/src/shop'))
    expect(await store.read((tx) => listRepositories(tx, other.id))).toEqual([copy])
    expect(await store.read((tx) => listRepositories(tx))).toHaveLength(2)
  })

  it('keep the order of the repositories of a group', async () => {
    await using sample = await openSample(databases)
    const { store, workspaceId } = sample
    const [a, b] = await store.transaction(async (tx) => [
      (await addRepository(tx, workspaceId, '/a')).id,
      (await addRepository(tx, workspaceId, '/b')).id,
    ])
    const group = await store.transaction((tx) =>
      insertGroup(tx, { id: newId(), workspaceId, name: 'both', repositoryIds: [b, a] }),
    )
    expect(await store.read((tx) => getGroup(tx, group.id))).toEqual(group)
    expect(
      await store.transaction((tx) =>
        updateGroup(tx, group.id, { name: null, repositoryIds: [a, sample.repositoryId, b] }),
      ),
    ).toBe(true)
    const changed = await store.read((tx) => getGroup(tx, group.id))
    expect(changed?.repositoryIds).toEqual([a, sample.repositoryId, b])
    expect(changed).not.toHaveProperty('name')
    expect((await store.read((tx) => listGroups(tx, workspaceId))).map((one) => one.id)).toEqual([
      sample.groupId,
      group.id,
    ])
    expect(await store.read((tx) => groupOfOne(tx, a))).toBeUndefined()
    expect((await store.read((tx) => groupOfOne(tx, sample.repositoryId)))?.id).toBe(sample.groupId)
    expect(await store.transaction((tx) => deleteGroup(tx, group.id))).toBe(true)
    expect(await store.transaction((tx) => updateGroup(tx, group.id, { name: 'x' }))).toBe(false)
  })

  it('cannot be removed while a task uses them', async () => {
    await using sample = await openSample(databases)
    const { store } = sample
    await sample.addTask()
    await expect(store.transaction((tx) => deleteGroup(tx, sample.groupId))).rejects.toMatchObject({ code: 'CONFLICT' })
    await expect(store.transaction((tx) => deleteRepository(tx, sample.repositoryId))).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await expect(store.transaction((tx) => deleteWorkspace(tx, sample.workspaceId))).rejects.toMatchObject({
      code: 'CONFLICT',
    })
  })

  it('go together: a repository takes its groups of one with it, but not larger ones', async () => {
    await using sample = await openSample(databases)
    const { store, workspaceId } = sample
    const other = await store.transaction((tx) => addRepository(tx, workspaceId, '/other'))
    const both = await store.transaction((tx) =>
      insertGroup(tx, { id: newId(), workspaceId, repositoryIds: [sample.repositoryId, other.id] }),
    )
    await expect(store.transaction((tx) => deleteRepository(tx, sample.repositoryId))).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await store.transaction((tx) => deleteGroup(tx, both.id))
    expect(await store.transaction((tx) => deleteRepository(tx, sample.repositoryId))).toBe(true)
    expect(await store.read((tx) => getRepository(tx, sample.repositoryId))).toBeUndefined()
    expect(await store.read((tx) => getGroup(tx, sample.groupId))).toBeUndefined()
  })
})

await describeEachDatabase('workspaces and workers', (databases) => {
  it('begin with one default workspace', async () => {
    await using sample = await openSample(databases)
    expect((await sample.store.transaction(ensureDefaultWorkspace)).id).toBe(sample.workspaceId)
    const changes = { description: 'all of it' }
    expect(await sample.store.transaction((tx) => updateWorkspace(tx, sample.workspaceId, changes))).toBe(true)
    expect(await sample.store.read((tx) => getWorkspace(tx, sample.workspaceId))).toMatchObject({
      name: 'default',
      ...changes,
    })
  })

  it('keep one row for a worker that comes back', async () => {
    await using sample = await openSample(databases)
    const { store, workerId: id } = sample
    const before = await store.read((tx) => getWorker(tx, id))
    await store.transaction((tx) => updateWorker(tx, id, { status: 'gone' }))
    const back = await store.transaction((tx) =>
      ensureWorker(tx, { id, name: 'there', labels: ['a', 'b'], capacity: 8 }),
    )
    expect(back).toMatchObject({
      name: 'there',
      labels: ['a', 'b'],
      capacity: 8,
      status: 'idle',
      createdAt: before?.createdAt,
    })
    expect(await store.read(listWorkers)).toEqual([back])
  })
})
