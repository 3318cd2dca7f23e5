/** The real host in a process of its own, with what benchmarks need of it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sleep } from '../../../core/base/waiting.ts'
import type { UnitTask } from '../../../core/contract/records.ts'
import { fileURLToPath } from 'node:url'
import { openTroupe, type Troupe } from '../../helpers/troupe.ts'
import type { TestRepository } from '../../helpers/repositories.ts'

const BOUND_MS = 120_000
/** What people install; `../main.ts` has it built. */
const PROGRAM = fileURLToPath(new URL('../../../dist/hosts/cli/main.js', import.meta.url))

export const openCompiledTroupe = (): Promise<Troupe> => openTroupe({ program: PROGRAM })

export interface BenchHost extends AsyncDisposable {
  readonly troupe: Troupe
  /** Of the host that runs now. */
  address(): { readonly pid: number; readonly socket: string }
  /** Starts `count` tasks of the `command` agent, and settles when all their agents run. */
  startAgents(count: number, prompt: (index: number) => string): Promise<UnitTask[]>
  readonly repository: TestRepository
}

/** @param config Beside what a benchmark always needs. */
export async function openBenchHost(config = ''): Promise<BenchHost> {
  await using opened = new AsyncDisposableStack()
  const troupe = opened.use(await openCompiledTroupe())
  troupe.configure(`[concurrency]\nmax_sessions = 1000\n${config}`)
  await troupe.start()
  const repository = await troupe.lab.repository('small')
  const owned = opened.move()
  return {
    troupe,
    repository,
    address: () => readAddress(troupe),
    startAgents: (count, prompt) => startAgents({ troupe, repository, count, prompt }),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

export function readAddress(troupe: Troupe): { readonly pid: number; readonly socket: string } {
  return JSON.parse(readFileSync(join(troupe.home, 'host.json'), 'utf8')) as { pid: number; socket: string }
}

interface AgentsWanted {
  readonly troupe: Troupe
  readonly repository: TestRepository
  readonly count: number
  readonly prompt: (index: number) => string
}

async function startAgents({ troupe, repository, count, prompt }: AgentsWanted): Promise<UnitTask[]> {
  const { repository: added } = await troupe.client.call('addRepository', { path: repository.path })
  const tasks: UnitTask[] = []
  for (let index = 0; index < count; index += 1) {
    const params = { repositoryId: added.id, agent: 'command', prompt: prompt(index), start: true }
    const { task } = await troupe.client.call('createUnitTask', params)
    tasks.push(task)
  }
  return Promise.all(tasks.map((task) => untilSpeaking(troupe, task.id)))
}

/** Its log has begun, so its program runs. */
async function untilSpeaking(troupe: Troupe, id: string): Promise<UnitTask> {
  for (let waited = 0; waited < BOUND_MS; waited += 100) {
    const { task } = await troupe.client.call('getUnitTask', { id })
    if (task.status === 'failed') throw new Error(`The task failed: ${JSON.stringify(task.error)}`)
    if (task.sessionId !== undefined) {
      const { lastSeq } = await troupe.client.call('getExecutionLogs', { sessionId: task.sessionId, limit: 1 })
      if (lastSeq > 1) return task
    }
    await sleep(100)
  }
  throw new Error(`The task ${id} did not begin.`)
}

/** The session of a task at work. */
export function sessionOf({ sessionId, id }: UnitTask): string {
  if (sessionId === undefined) throw new Error(`The task ${id} has no session.`)
  return sessionId
}
