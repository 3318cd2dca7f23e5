import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { openInProcessHost, readLog, type InProcessHost } from '../helpers/in-process-host.ts'

let host: InProcessHost
beforeAll(async () => {
  host = await openInProcessHost()
})
afterAll(() => host[Symbol.asyncDispose]())

const edit = (text: string) => `echo ${text} > note.txt`

describe('createUnitTask', () => {
  test('refuses what cannot work, before anything is made', async () => {
    const { repositoryId } = await host.addTask('true', { start: false })
    const before = (await host.client.call('listUnitTasks', {})).tasks.length
    const create = (params: object) => host.client.call('createUnitTask', { prompt: 'x', agent: 'command', ...params })
    await expect(create({})).rejects.toMatchObject({ code: 'INVALID_PARAMS' })
    await expect(create({ repositoryId, prompt: '  ' })).rejects.toMatchObject({ code: 'INVALID_PARAMS' })
    await expect(create({ repositoryId: newId() })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(create({ repositoryId, agent: 'nobody' })).rejects.toMatchObject({
      code: 'AGENT_NOT_FOUND',
      message: expect.stringContaining('command'),
    })
    await expect(create({ repositoryId, permissionMode: 'ask' })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
    await expect(create({ repositoryId, sandbox: 'docker' })).rejects.toMatchObject({ code: 'SANDBOX_UNSUPPORTED' })
    await expect(create({ repositoryId, branchName: 'main' })).rejects.toMatchObject({ code: 'REPO_BRANCH_EXISTS' })
    await expect(create({ repositoryId, branchName: '-x y' })).rejects.toMatchObject({ code: 'INVALID_PARAMS' })
    await expect(create({ repositoryId, baseBranch: 'nowhere' })).rejects.toMatchObject({ code: 'REPO_BRANCH_MISSING' })
    expect((await host.client.call('listUnitTasks', {})).tasks).toHaveLength(before)
  })
})

describe('addRepository', () => {
  test('gives the one that is known, and changes what is named', async () => {
    const repository = await host.lab.repository('known')
    await repository.git('branch', 'next')
    const add = async (params: object = {}) =>
      (await host.client.call('addRepository', { path: repository.path, ...params })).repository
    const first = await add()
    expect(first).toMatchObject({ name: 'known', defaultBranch: 'main' })
    expect(await add({ name: 'site', defaultBranch: 'next' })).toMatchObject({
      id: first.id,
      name: 'site',
      defaultBranch: 'next',
    })
    expect(await add()).toMatchObject({ id: first.id, name: 'site', defaultBranch: 'next' })
    await expect(add({ name: 'other', defaultBranch: 'nowhere' })).rejects.toMatchObject({
      code: 'REPO_BRANCH_MISSING',
    })
    expect(await add()).toMatchObject({ name: 'site' })
  })
})

describe('a draft', () => {
  test('can be edited until it starts', async () => {
    const { task } = await host.addTask(edit('one'), { start: false })
    expect(task).toMatchObject({ status: 'draft', title: edit('one'), permissionMode: 'full' })
    const { id } = task
    await host.client.call('updateUnitTask', { id, title: 'Better', prompt: edit('two') })
    await host.client.call('startTaskExecution', { id })
    const done = await host.until(id, 'in_review')
    expect(done).toMatchObject({ title: 'Better', prompt: edit('two') })
    const { diff } = await host.client.call('getTaskDiff', { id })
    expect(diff.files).toMatchObject([{ path: 'note.txt', change: 'added', patch: expect.stringContaining('+two') }])
    await expect(host.client.call('updateUnitTask', { id, prompt: 'no' })).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})

describe('the list of tasks', () => {
  test('is filtered, searched and paged', async () => {
    const { repositoryId } = await host.addTask('true', { start: false })
    for (const prompt of ['paint it RED', 'paint it blue', 'leave it']) {
      await host.client.call('createUnitTask', { repositoryId, prompt, agent: 'command' })
    }
    const found = await host.client.call('listUnitTasks', { repositoryId, search: 'red' })
    expect(found.tasks.map(({ prompt }) => prompt)).toEqual(['paint it RED'])
    const first = await host.client.call('listUnitTasks', { repositoryId, limit: 3, status: ['draft'] })
    const second = await host.client.call('listUnitTasks', {
      repositoryId,
      limit: 3,
      status: ['draft'],
      cursor: first.nextCursor,
    })
    expect([...first.tasks, ...second.tasks].map(({ prompt }) => prompt)).toEqual([
      'leave it',
      'paint it blue',
      'paint it RED',
      'true',
    ])
    expect(second.nextCursor).toBeUndefined()
  })
})

describe('a task at work', () => {
  test('is stopped with its processes, keeps its work, and goes on when it is retried', async () => {
    const { task } = await host.addTask('echo begun >> note.txt; sleep 300')
    const { id } = task
    await host.until(id, 'in_progress')
    await expect
      .poll(async () => (await host.client.call('getTaskDiff', { id }).catch(() => undefined))?.diff.files.length)
      .toBe(1)
    await expect(host.client.call('deleteUnitTask', { id })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('stop'),
    })
    const stopped = await host.client.call('stopTaskExecution', { id })
    expect(stopped.task.status).toBe('stopped')
    const log = await readLog(host.client, stopped.task.sessionId!)
    expect(log.at(-1)).toMatchObject({ type: 'complete', success: false })
    await expect(host.client.call('sendMessage', { id, content: 'hello' })).rejects.toMatchObject({
      code: 'CONFLICT',
      details: { allowed: expect.arrayContaining(['retry', 'request changes', 'approve']) },
    })
    expect((await host.client.call('getTaskDiff', { id })).diff.files).toHaveLength(1)
    await host.client.call('retryUnitTask', { id })
    await host.until(id, 'in_progress')
    await host.client.call('updateUnitTaskStatus', { id, status: 'stopped' })
    await host.until(id, 'stopped')
    expect((await host.client.call('getAgentTask', { id: task.agentTaskId })).agentTask.sessions).toHaveLength(2)
  })

  test('fails with the words of its program, and can be sent back with changes', async () => {
    const { task } = await host.addTask('echo "cannot do that" >&2; exit 3')
    const failed = await host.until(task.id, 'failed', 'in_review')
    expect(failed).toMatchObject({
      status: 'failed',
      error: { code: 'AGENT_EXITED', message: expect.stringMatching(/3/) },
    })
    await host.client.call('requestChanges', { id: task.id, prompt: edit('fine') })
    expect(await host.until(task.id, 'in_review', 'failed')).toMatchObject({ status: 'in_review' })
  })
})

describe('review', () => {
  test('sends comments back once, and reads files of both sides', async () => {
    const { task } = await host.addTask(edit('one'))
    const { id } = task
    await host.until(id, 'in_review')
    await host.client.call('addReviewComment', { id, file: 'note.txt', startLine: 1, text: 'echo say more' })
    await expect(
      host.client.call('addReviewComment', { id, file: 'note.txt', startLine: 3, endLine: 2, text: 'x' }),
    ).rejects.toMatchObject({ code: 'INVALID_PARAMS' })
    const file = await host.client.call('getTaskFile', { id, path: 'note.txt' })
    expect(file).toEqual({ content: 'one\n', encoding: 'utf8', bytes: 4 })
    await expect(host.client.call('getTaskFile', { id, path: 'note.txt', side: 'base' })).rejects.toMatchObject({
      code: 'REPO_FILE_NOT_FOUND',
    })
    await expect(host.client.call('getTaskFile', { id, path: '../../../config.toml' })).rejects.toMatchObject({
      code: 'REPO_FILE_NOT_FOUND',
    })
    await host.client.call('requestChanges', { id, prompt: 'true' })
    const changed = await host.until(id, 'in_review', 'failed')
    const log = await readLog(host.client, changed.sessionId!)
    expect(log[1]).toMatchObject({
      type: 'userMessage',
      content: expect.stringMatching(/^true\n\nComments.*\n- note.txt, line 1: echo say more$/),
    })
    expect((await host.client.call('listReviewComments', { id })).comments).toMatchObject([{ resolved: true }])
  })

  test('needs something to say', async () => {
    const { task } = await host.addTask('true')
    await host.until(task.id, 'in_review')
    await expect(host.client.call('requestChanges', { id: task.id })).rejects.toMatchObject({ code: 'INVALID_PARAMS' })
    expect((await host.client.call('getUnitTask', { id: task.id })).task.status).toBe('in_review')
  })
})

describe('merging', () => {
  test('is refused by name on a conflict, changes nothing, and works once it is resolved', async () => {
    const { task, repository } = await host.addTask(edit('theirs'))
    const { id } = task
    await host.until(id, 'in_review')
    await expect(host.client.call('commitTask', { id })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('approve'),
    })
    await host.client.call('approveUnitTask', { id })
    const mine = await repository.commit({ 'note.txt': 'mine\n' })
    await expect(host.client.call('commitTask', { id })).rejects.toMatchObject({
      code: 'MERGE_CONFLICT',
      details: { files: ['note.txt'] },
    })
    expect(await repository.git('rev-parse', 'main')).toBe(mine)
    expect((await host.client.call('getUnitTask', { id })).task).toMatchObject({
      status: 'approved',
      error: { code: 'MERGE_CONFLICT' },
    })
    await repository.git('reset', '--hard', 'HEAD~1')
    const { task: merged } = await host.client.call('commitTask', { id, strategy: 'squash' })
    expect(merged).toMatchObject({ status: 'done', mergeCommit: await repository.git('rev-parse', 'main') })
    await expect(host.client.call('commitTask', { id })).rejects.toMatchObject({ code: 'CONFLICT' })
  })
})

describe('merging into a folder that cannot follow', () => {
  test('is done, and says which folder looks as if it were undone', async (context) => {
    const { task, repository } = await host.addTask('echo more >> kept.txt', { start: false })
    const { id } = task
    await repository.commit({ 'kept.txt': 'kept\n' })
    const file = join(repository.path, 'kept.txt')
    if (spawnSync('chattr', ['+i', file]).status !== 0) context.skip('needs root and a file system with chattr')
    try {
      await host.client.call('startTaskExecution', { id })
      await host.until(id, 'in_review')
      await host.client.call('approveUnitTask', { id })
      const { task: merged } = await host.client.call('commitTask', { id })
      expect(merged).toMatchObject({
        status: 'done',
        error: { code: 'MERGE_BLOCKED', details: { folders: [repository.path] } },
      })
      expect(await repository.git('show', 'main:kept.txt')).toBe('kept\nmore')
    } finally {
      spawnSync('chattr', ['-i', file])
    }
  })
})

describe('deleting', () => {
  test('saves what is uncommitted to a ref, then removes worktree, log and record', async () => {
    const { task, repository, repositoryId } = await host.addTask(edit('kept'))
    const { id } = task
    const reviewed = await host.until(id, 'in_review')
    await expect(host.client.call('removeRepository', { id: repositoryId })).rejects.toMatchObject({
      code: 'REPO_IN_USE',
    })
    await host.client.call('deleteUnitTask', { id })
    expect(existsSync(reviewed.worktreePath!)).toBe(false)
    expect(await repository.git('show', `refs/troupe/saved/${reviewed.sessionId}:note.txt`)).toBe('kept')
    await expect(host.client.call('getUnitTask', { id })).rejects.toMatchObject({ code: 'NOT_FOUND' })
    await expect(host.client.call('getExecutionLogs', { sessionId: reviewed.sessionId! })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    await host.client.call('removeRepository', { id: repositoryId })
  })
})

describe('a task whose repository is gone from the disk', () => {
  test('can be deleted; its folder is kept aside', async () => {
    const { task, repository, repositoryId } = await host.addTask(edit('kept'))
    const { worktreePath } = await host.until(task.id, 'in_review')
    await rm(repository.path, { recursive: true })
    await host.client.call('deleteUnitTask', { id: task.id })
    await host.client.call('removeRepository', { id: repositoryId })
    const kept = (await readdir(dirname(worktreePath!))).find((name) => name.includes('.orphaned-'))
    expect(existsSync(join(dirname(worktreePath!), kept!, 'note.txt'))).toBe(true)
  })
})

describe('settings', () => {
  test('are changed whole or not at all', async () => {
    const before = await host.client.call('getSettings', {})
    await expect(
      host.client.call('updateSettings', { values: { concurrency: { max_session: 2 } } }),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining('max_sessions'),
    })
    expect(await host.client.call('getSettings', {})).toEqual(before)
    const { values } = await host.client.call('updateSettings', { values: { concurrency: { max_sessions: 2 } } })
    expect(values['concurrency']).toEqual({ max_sessions: 2 })
  })
})
