/** A task's workspace in a large repository, against `git worktree add`. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../core/base/waiting.ts'
import type { TestRepository } from '../helpers/repositories.ts'
import { followTask } from './runner/following.ts'
import { openBenchHost, type BenchHost } from './runner/host.ts'
import { atMost, type Row } from './runner/row.ts'
import { alternate, timed } from './runner/statistics.ts'

const FILES = 20_000
const PER_FOLDER = 200
const PAIRS = 3

export async function benchWorkspace(): Promise<Row[]> {
  await using host = await openBenchHost()
  const repository = await makeLargeRepository(host)
  const own = await openTasks(host, repository)
  const times = await alternate({ rounds: PAIRS, warmups: 0 }, own, bareWorktrees(host, repository))
  return [
    {
      name: `a task's workspace, ${FILES.toLocaleString('en')} files`,
      unit: 'ms',
      ...times,
      goals: [atMost('ratio', 0.2)],
      how: `${PAIRS} alternating pairs: the call that starts a new task to the first text of a trivial agent in its worktree, against \`git worktree add\` alone`,
    },
  ]
}

async function makeLargeRepository(host: BenchHost): Promise<TestRepository> {
  const repository = await host.troupe.lab.repository('large', { empty: true })
  for (let folder = 0; folder < FILES / PER_FOLDER; folder += 1) {
    const path = join(repository.path, `folder-${folder}`)
    mkdirSync(path)
    for (let file = 0; file < PER_FOLDER; file += 1) {
      writeFileSync(join(path, `file-${file}.txt`), `This is file ${file} of folder ${folder}.\n`.repeat(8))
    }
  }
  await repository.commit({ 'README.md': 'Large.\n' }, 'Begin')
  return repository
}

async function openTasks(host: BenchHost, repository: TestRepository): Promise<() => Promise<number>> {
  const { client } = host.troupe
  const added = await client.call('addRepository', { path: repository.path })
  const params = { repositoryId: added.repository.id, agent: 'command', prompt: 'echo Hello.' }
  return async () => {
    await untilNoGit(host)
    const { task } = await client.call('createUnitTask', params)
    await using following = await followTask(client, task.id)
    const ms = await timed(async () => {
      const begun = following.until('A session', ({ sessionId }) => sessionId !== undefined)
      await client.call('startTaskExecution', { id: task.id })
      const { sessionId = '' } = await begun
      using messages = following.read(sessionId)
      await messages.next(({ type }) => type === 'text')
    })
    await following.until('The end', ({ status }) => status === 'in_review')
    await client.call('rejectUnitTask', { id: task.id })
    await client.call('deleteUnitTask', { id: task.id })
    return ms
  }
}

function bareWorktrees(host: BenchHost, repository: TestRepository): () => Promise<number> {
  let count = 0
  return async () => {
    await untilNoGit(host)
    count += 1
    const path = join(host.troupe.lab.folder, `bare-${count}`)
    const ms = await timed(() => repository.git('worktree', 'add', '--quiet', '-b', `bare-${count}`, path))
    await repository.git('worktree', 'remove', '--force', path)
    return ms
  }
}

/** What the host prepares for the next task in the background is done. */
async function untilNoGit(host: BenchHost): Promise<void> {
  const home = `HOME=${host.troupe.lab.env['HOME']}`
  let quiet = 0
  for (let waited = 0; waited < 60_000 && quiet < 5; waited += 100) {
    quiet = readdirSync('/proc').some((pid) => isGitOf(pid, home)) ? 0 : quiet + 1
    await sleep(100)
  }
}

function isGitOf(pid: string, home: string): boolean {
  try {
    if (!readFileSync(`/proc/${pid}/comm`, 'utf8').startsWith('git')) return false
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(home)
  } catch {
    return false
  }
}
