/** A whole host in the test's process, on a data directory and a home of its own. An error in its log fails the test. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { silentLogger } from '../../core/base/logger.ts'
import { sleep } from '../../core/base/waiting.ts'
import type { UnitTask } from '../../core/contract/records.ts'
import type { TaskStatus } from '../../core/contract/statuses.ts'
import type { Client, Message } from '../../core/rpc/client/index.ts'
import { composeHost } from '../../hosts/compose.ts'
import { openDataDirectory } from '../../hosts/data-directory.ts'
import { openGitLab, type GitLab, type TestRepository } from './repositories.ts'

const TASK_BOUND_MS = 120_000

export interface InProcessHost extends AsyncDisposable {
  readonly client: Client
  readonly lab: GitLab
  readonly home: string
  configure(toml: string): void
  /** Ends the host in order and starts it again. */
  restart(): Promise<void>
  /** A task of the `command` agent on a fresh repository. */
  addTask(
    prompt: string,
    options?: { start?: boolean },
  ): Promise<{ task: UnitTask; repository: TestRepository; repositoryId: string }>
  until(taskId: string, ...statuses: readonly TaskStatus[]): Promise<UnitTask>
}

export async function openInProcessHost(options: { readonly config?: string } = {}): Promise<InProcessHost> {
  await using opened = new AsyncDisposableStack()
  const lab = opened.use(await openGitLab())
  const home = join(lab.folder, 'troupe')
  mkdirSync(home, { mode: 0o700 })
  const configure = (toml: string) => writeFileSync(join(home, 'config.toml'), toml)
  configure(options.config ?? '')
  const env = { ...lab.env, TROUPE_HOME: home }
  const dataDirectory = await openDataDirectory(env)
  const errors: unknown[] = []
  const logger = { ...silentLogger, error: (fields: object, text: string) => void errors.push({ text, ...fields }) }
  const compose = () => composeHost({ dataDirectory, env, logger, startsSessions: true, strict: true })
  let host = await compose()
  opened.defer(() => host[Symbol.asyncDispose]())
  let repositories = 0
  const owned = opened.move()
  return {
    get client() {
      return host.client
    },
    async restart() {
      await host[Symbol.asyncDispose]()
      host = await compose()
    },
    lab,
    home,
    configure,
    async addTask(prompt, { start = true } = {}) {
      repositories += 1
      const repository = await lab.repository(`project ${repositories}`)
      const added = await host.client.call('addRepository', { path: repository.path })
      const repositoryId = added.repository.id
      const { task } = await host.client.call('createUnitTask', { repositoryId, prompt, agent: 'command', start })
      return { task, repository, repositoryId }
    },
    async until(taskId, ...statuses) {
      for (let waited = 0; waited < TASK_BOUND_MS; waited += 20) {
        const { task } = await host.client.call('getUnitTask', { id: taskId })
        if (statuses.includes(task.status)) return task
        await sleep(20)
      }
      throw new Error(`task ${taskId} did not become ${statuses.join(' or ')}`)
    },
    async [Symbol.asyncDispose]() {
      await owned.disposeAsync()
      if (errors.length > 0) throw new Error(`the host logged errors: ${inspect(errors, { depth: 4 })}`)
    },
  }
}

/** The whole log of a session. */
export const readLog = async (client: Client, sessionId: string): Promise<Message[]> =>
  (await client.call('getExecutionLogs', { sessionId, limit: 1000 })).messages
