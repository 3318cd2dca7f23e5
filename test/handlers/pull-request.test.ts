/** `createPullRequest` in a whole host: the engine, the store, git, and a hosting service on loopback. */
import { appendFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../../core/base/logger.ts'
import type { UnitTask } from '../../core/contract/records.ts'
import type { TaskStatus } from '../../core/contract/statuses.ts'
import { composeHost, type ComposedHost } from '../../hosts/compose.ts'
import { openDataDirectory } from '../../hosts/data-directory.ts'
import { FORGE_TOKEN, sendJson, startForgeServer, type ForgeServer } from '../helpers/forge-server.ts'
import { openGitLab, type GitLab, type TestRepository } from '../helpers/repositories.ts'

const ADDRESS = 'https://github.com/octo/tools.git'
const PAGE = 'https://github.com/octo/tools/pull/1'

interface Bench extends AsyncDisposable {
  readonly lab: GitLab
  readonly server: ForgeServer
  readonly env: Record<string, string>
  readonly far: TestRepository
  readonly host: ComposedHost
  task(prompt?: string): Promise<UnitTask>
  /** A task that wrote a file and was approved. */
  approved(prompt?: string): Promise<UnitTask>
}

async function openBench(remote = ADDRESS): Promise<Bench> {
  await using opened = new AsyncDisposableStack()
  const lab = opened.use(await openGitLab())
  const server = opened.use(await startForgeServer())
  const far = await lab.repository('far.git', { empty: true, args: ['--bare'] })
  await appendFile(join(lab.env['HOME'] ?? '', '.gitconfig'), `[url "${far.path}"]\n\tinsteadOf = ${ADDRESS}\n`)
  const repository = await lab.repository()
  await repository.git('remote', 'add', 'origin', remote)
  const env = { ...lab.env, GITHUB_TOKEN: FORGE_TOKEN, TROUPE_GITHUB_API_URL: server.github }
  const dataDirectory = await openDataDirectory(env, lab.dataDir)
  const host = opened.use(await composeHost({ dataDirectory, env, logger: silentLogger, startsSessions: true }))
  const { client } = host
  const added = await client.call('addRepository', { path: repository.path })
  const parts = opened.move()

  async function until(id: string, status: TaskStatus): Promise<UnitTask> {
    const look = async () => (await client.call('getUnitTask', { id })).task
    await expect.poll(async () => (await look()).status).toBe(status)
    return look()
  }
  async function task(prompt = 'echo work > work.txt'): Promise<UnitTask> {
    const params = { repositoryId: added.repository.id, agent: 'command', prompt, title: 'Do the work', start: true }
    const made = await client.call('createUnitTask', params)
    return until(made.task.id, 'in_review')
  }
  return {
    lab,
    server,
    env,
    far,
    host,
    task,
    async approved(prompt) {
      const { id } = await task(prompt)
      return (await client.call('approveUnitTask', { id })).task
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

let bench: Bench
beforeEach(async () => {
  bench = await openBench()
})
afterEach(() => bench[Symbol.asyncDispose]())

describe('a pull request for a task', () => {
  it('has its branch, its title and the beginning of its prompt', async () => {
    const { far, server, host } = bench
    const { id, branchName } = await bench.approved('echo work > work.txt\n\necho more > more.txt')
    const { task, url } = await host.client.call('createPullRequest', { id })
    expect(url).toBe(PAGE)
    expect(task).toMatchObject({ status: 'pr_open', linkedPrUrl: PAGE })
    expect(await far.git('show', `${branchName}:more.txt`)).toBe('more')
    const body = expect.stringMatching(
      new RegExp(`^echo work > work.txt\n\n---\nTroupe task ${id}, done by command.\n$`),
    )
    expect(server.requests.map((request) => request.body)).toEqual([
      { head: branchName, base: 'main', title: 'Do the work', body },
    ])
    // Asked again, it is the same one, and a person may say that it was merged.
    expect((await host.client.call('createPullRequest', { id })).url).toBe(PAGE)
    expect(server.requests).toHaveLength(1)
    const done = await host.client.call('updateUnitTaskStatus', { id, status: 'done' })
    expect(done.task).toMatchObject({ status: 'done', linkedPrUrl: PAGE })
  })

  it('asked for twice at once is one', async () => {
    const { id } = await bench.approved()
    const call = () => bench.host.client.call('createPullRequest', { id, title: 'Mine', body: '' })
    const both = await Promise.all([call(), call()])
    expect(both.map(({ url, task }) => [url, task.status])).toEqual([
      [PAGE, 'pr_open'],
      [PAGE, 'pr_open'],
    ])
    expect(bench.server.open).toHaveLength(1)
  })

  it('has what nobody committed', async () => {
    const { id, worktreePath, branchName } = await bench.approved()
    await bench.lab.at(worktreePath ?? '').write({ 'late.txt': 'late\n' })
    await bench.host.client.call('createPullRequest', { id })
    expect(await bench.far.git('show', `${branchName}:late.txt`)).toBe('late')
  })

  it('stays the same one after changes', async () => {
    const { client } = bench.host
    const { id } = await bench.approved()
    await client.call('createPullRequest', { id })
    await client.call('requestChanges', { id, prompt: 'echo again > work.txt' })
    await expect.poll(async () => (await client.call('getUnitTask', { id })).task.status).toBe('in_review')
    const { task } = await client.call('approveUnitTask', { id })
    expect((await client.call('createPullRequest', { id })).url).toBe(PAGE)
    expect(await bench.far.git('show', `${task.branchName}:work.txt`)).toBe('again')
    expect(bench.server.open).toHaveLength(1)
  })

  it('that the service refuses leaves the task approved, and can be asked for again', async () => {
    const { id } = await bench.approved()
    bench.server.next.push((_, response) => sendJson(response, 500, { message: 'oh' }))
    const call = () => bench.host.client.call('createPullRequest', { id })
    await expect(call()).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
    expect((await bench.host.client.call('getUnitTask', { id })).task.status).toBe('approved')
    expect((await call()).task.status).toBe('pr_open')
  })

  it('is named in the error when the task went on meanwhile', async () => {
    const { client } = bench.host
    const { id } = await bench.approved()
    bench.server.next.push((_, response) => {
      void client.call('rejectUnitTask', { id }).then(() => sendJson(response, 201, { number: 1, html_url: PAGE }))
    })
    await expect(client.call('createPullRequest', { id })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringContaining(`${PAGE} is open, but`),
      details: { url: PAGE, status: 'rejected' },
    })
  })
})

describe('no pull request, and nothing pushed', () => {
  const refusal = async (id: string) => {
    const error: unknown = await bench.host.client.call('createPullRequest', { id }).catch((reason: unknown) => reason)
    expect(await bench.far.git('for-each-ref')).toBe('')
    expect(bench.server.requests).toEqual([])
    return error
  }

  it('for a task that is not approved', async () => {
    const { id } = await bench.task()
    expect(await refusal(id)).toMatchObject({ code: 'CONFLICT', details: { allowed: ['approve'] } })
  })

  it('for a task that changed nothing', async () => {
    const { id } = await bench.approved('true')
    expect(await refusal(id)).toMatchObject({ code: 'TASK_NO_CHANGES' })
  })

  it('without a token', async () => {
    delete bench.env['GITHUB_TOKEN']
    const { id } = await bench.approved()
    expect(await refusal(id)).toMatchObject({ code: 'UNAUTHENTICATED', message: expect.stringMatching(/GITHUB_TOKEN/) })
  })

  it('to a remote that was put there after the repository was added', async () => {
    const { id } = await bench.approved('git config remote.origin.url https://github.com/evil/tools')
    await bench.lab.at((await bench.host.client.call('getUnitTask', { id })).task.worktreePath ?? '').write({ a: 'a' })
    expect(await refusal(id)).toMatchObject({ code: 'CONFLICT', message: expect.stringMatching(/any more/) })
  })

  it('where nobody offers them', async () => {
    await using other = await openBench('https://git.example.test/octo/tools')
    const { id } = await other.approved()
    await expect(other.host.client.call('createPullRequest', { id })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})
