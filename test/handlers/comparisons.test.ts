import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import type { Attempt, Comparison } from '../../core/contract/methods/comparisons.ts'
import { openInProcessHost, type InProcessHost } from '../helpers/in-process-host.ts'
import type { TestRepository } from '../helpers/repositories.ts'

let host: InProcessHost
let repository: TestRepository
let repositoryId: string
beforeAll(async () => {
  host = await openInProcessHost()
  repository = await host.lab.repository('shop')
  repositoryId = (await host.client.call('addRepository', { path: repository.path })).repository.id
})
afterAll(() => host[Symbol.asyncDispose]())

const attempts = (...models: string[]) => models.map((model) => ({ agent: 'command', model }))

const compare = async (prompt: string, { start = true, models = ['one', 'two'] } = {}): Promise<Comparison> =>
  (await host.client.call('createComparison', { repositoryId, prompt, attempts: attempts(...models), start }))
    .comparison

const idsOf = ({ attempts: all }: Comparison) => all.map(({ task }) => task.id)
const statuses = (all: readonly Attempt[]) => all.map(({ task }) => task.status)
const choose = async (taskId: string) => (await host.client.call('chooseAttempt', { taskId })).comparison
const countTasks = async () => (await host.client.call('listUnitTasks', { limit: 500 })).tasks.length

/** The first to come ends, the others work until they are stopped. */
const raceFor = (name: string) => {
  const lock = join(host.lab.folder, name)
  return `echo work > work.txt; if mkdir '${lock}' 2>/dev/null; then echo first; else exec sleep 300; fi`
}

async function ready(comparison: Comparison): Promise<string> {
  await expect
    .poll(
      async () =>
        (await host.client.call('listUnitTasks', { comparisonId: comparison.id, status: ['in_review'] })).tasks.length,
    )
    .toBeGreaterThan(0)
  const { tasks } = await host.client.call('listUnitTasks', { comparisonId: comparison.id, status: ['in_review'] })
  return tasks[0]!.id
}

describe('createComparison', () => {
  test('makes all attempts or none', async () => {
    const before = await countTasks()
    const create = (params: object) =>
      host.client.call('createComparison', { repositoryId, prompt: 'x', attempts: attempts('a', 'b'), ...params })
    const refused: [object, string][] = [
      [{ attempts: attempts('a') }, 'INVALID_PARAMS'],
      [{ attempts: attempts('a', 'b', 'a') }, 'INVALID_PARAMS'],
      [{ attempts: Array.from({ length: 9 }, (_, at) => ({ agent: 'command', model: `m${at}` })) }, 'INVALID_PARAMS'],
      [{ attempts: [...attempts('a'), { agent: 'nobody' }] }, 'AGENT_NOT_FOUND'],
      [{ attempts: [...attempts('a'), { agent: 'command', permissionMode: 'ask' }] }, 'UNSUPPORTED'],
      [{ attempts: [...attempts('a'), { agent: 'command', model: '--yolo' }] }, 'INVALID_PARAMS'],
      [{ sandbox: 'docker' }, 'SANDBOX_UNSUPPORTED'],
      [{ baseBranch: 'nowhere' }, 'REPO_BRANCH_MISSING'],
      [{ repositoryId: newId() }, 'NOT_FOUND'],
    ]
    for (const [params, code] of refused) await expect(create(params)).rejects.toMatchObject({ code })
    expect(await countTasks()).toBe(before)
  })

  test('counts the model of the configuration when it looks for attempts that are the same', async () => {
    host.configure('[agents.command]\nmodel = "usual"\n')
    const same = [{ agent: 'command' }, { agent: 'command', model: 'usual' }]
    await expect(
      host.client.call('createComparison', { repositoryId, prompt: 'x', attempts: same }),
    ).rejects.toMatchObject({ code: 'INVALID_PARAMS', message: expect.stringMatching(/1 and 2 are the same.*usual/) })
    host.configure('')
  })

  test('gives each a branch of its own, whatever the template', async () => {
    host.configure('[branch]\ntemplate = "try/${agent}-${slug}"\n')
    const { attempts: made } = await compare('true', { start: false, models: ['a', 'b', 'c'] })
    host.configure('')
    expect(made.map(({ task }) => task.branchName)).toEqual([
      'try/command-true',
      'try/command-true-2',
      'try/command-true-3',
    ])
    expect(made.map(({ task }) => task.model)).toEqual(['a', 'b', 'c'])
  })
})

describe('attempts', () => {
  test('begin from one commit, even if the base branch moves before the last of them begins', async () => {
    const drafts = await compare('cat seen.txt > copy.txt 2>/dev/null; true', { start: false })
    const [first = '', second = ''] = idsOf(drafts)
    const base = drafts.attempts[0]?.task.baseCommit
    expect(drafts.attempts.map(({ task }) => task.baseCommit)).toEqual([base, base])
    await host.client.call('startTaskExecution', { id: first })
    await host.until(first, 'in_review')
    writeFileSync(join(repository.path, 'seen.txt'), 'later\n')
    await repository.git('add', 'seen.txt')
    await repository.git('commit', '-qm', 'later')
    await host.client.call('startTaskExecution', { id: second })
    const task = await host.until(second, 'in_review')
    expect(task.baseCommit).toBe(base)
    expect(existsSync(join(task.worktreePath ?? '', 'seen.txt'))).toBe(false)
    const { comparison } = await host.client.call('getComparison', { id: drafts.id })
    const empty = { files: 1, additions: 0, deletions: 0 }
    expect(comparison.attempts.map(({ diff }) => diff)).toEqual([empty, empty])
  })

  test('have one prompt', async () => {
    const { attempts: made } = await compare('true', { start: false })
    const id = made[0]!.task.id
    await expect(host.client.call('updateUnitTask', { id, prompt: 'other' })).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    await host.client.call('updateUnitTask', { id, title: 'Mine' })
  })

  test('that have not begun show no figures, and one that was removed is compared no more', async () => {
    const drafts = await compare('true', { start: false })
    expect(drafts.attempts).toMatchObject([{ workingMs: 0 }, { workingMs: 0 }])
    expect(drafts.attempts.every(({ diff, usage }) => diff === undefined && usage === undefined)).toBe(true)
    const [first = '', second = ''] = idsOf(drafts)
    await expect(host.client.call('getTaskDiff', { id: first })).rejects.toMatchObject({ code: 'CONFLICT' })
    await host.client.call('deleteUnitTask', { id: first })
    const { comparison } = await host.client.call('getComparison', { id: drafts.id })
    expect(idsOf(comparison)).toEqual([second])
    await host.client.call('deleteUnitTask', { id: second })
    await expect(host.client.call('getComparison', { id: drafts.id })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('chooseAttempt', () => {
  test('approves one and rejects the others, those at work after they were stopped; once or twice', async () => {
    const comparison = await compare(raceFor('lock one'), { models: ['a', 'b', 'c'] })
    const chosen = await ready(comparison)
    const [late = ''] = idsOf(comparison).filter((id) => id !== chosen)
    await host.until(late, 'in_progress')
    await expect(choose(late)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('Wait until it is ready for review'),
    })
    const done = await choose(chosen)
    expect(idsOf(done)).toEqual(idsOf(comparison))
    expect(statuses(done.attempts).toSorted()).toEqual(['approved', 'rejected', 'rejected'])
    const { agentTask } = await host.client.call('getAgentTask', {
      id: done.attempts.find(({ task }) => task.id === late)!.task.agentTaskId,
    })
    expect(agentTask.sessions).toMatchObject([{ status: 'stopped' }])
    expect(await choose(chosen)).toEqual(done)
    await expect(choose(late)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('Another attempt was chosen already'),
    })
    await host.client.call('commitTask', { id: chosen })
    expect(statuses((await choose(chosen)).attempts)).toContain('done')
  })

  test('settles the others also when it was approved by hand, whatever became of them', async () => {
    const comparison = await compare('exit 3', {
      models: ['a', 'b', 'c'],
    })
    const [first = '', second = '', third = ''] = idsOf(comparison)
    for (const id of [first, second, third]) await host.until(id, 'failed')
    await expect(choose(first)).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining('approve it first'),
    })
    await host.client.call('approveUnitTask', { id: first })
    await host.client.call('rejectUnitTask', { id: second })
    expect(statuses((await choose(first)).attempts)).toEqual(['approved', 'rejected', 'rejected'])
    await host.client.call('retryUnitTask', { id: third })
    await host.until(third, 'failed')
    expect(statuses((await choose(first)).attempts)).toEqual(['approved', 'rejected', 'rejected'])
  })

  test('takes one attempt even if two are chosen at the same time', async () => {
    const comparison = await compare('echo x > x')
    const ids = idsOf(comparison)
    for (const id of ids) await host.until(id, 'in_review')
    const ends = await Promise.allSettled(ids.map(choose))
    expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    const { comparison: after } = await host.client.call('getComparison', { id: comparison.id })
    expect(statuses(after.attempts)).toEqual(['approved', 'rejected'])
  })

  test('is for attempts only', async () => {
    const { task } = await host.addTask('true', { start: false })
    await expect(choose(task.id)).rejects.toMatchObject({ code: 'INVALID_PARAMS' })
    await expect(choose(newId())).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})
