/** A store with the records that others hang from: one workspace, repository, group, worker. */
import { systemClock, type Clock } from '../../core/base/clock.ts'
import { newId } from '../../core/base/ids.ts'
import { silentLogger } from '../../core/base/logger.ts'
import type { AgentSession, UnitTask } from '../../core/contract/records.ts'
import { insertAgentTask } from '../../core/store/agent-tasks.ts'
import { insertGroup } from '../../core/store/groups.ts'
import { openStore } from '../../core/store/open-store.ts'
import { insertRepository } from '../../core/store/repositories.ts'
import { insertSession, type NewSession } from '../../core/store/sessions.ts'
import type { Store } from '../../core/store/store.ts'
import { insertTask } from '../../core/store/tasks.ts'
import type { Tx } from '../../core/store/tx.ts'
import { ensureWorker } from '../../core/store/workers.ts'
import { ensureDefaultWorkspace } from '../../core/store/workspaces.ts'
import type { Databases } from '../helpers/databases.ts'

export const deps = { clock: systemClock, logger: silentLogger }

/** An id that no record has. */
export const noId = '01920000-0000-7000-8000-000000000000'

export interface Sample extends AsyncDisposable {
  readonly store: Store
  /** Opens the database once more, as another server does; not SQLite. */
  reopen(): Promise<Store>
  readonly workspaceId: string
  readonly repositoryId: string
  readonly groupId: string
  readonly workerId: string
  addTask(task?: Partial<Parameters<typeof insertTask>[1]>): Promise<UnitTask>
  addSession(task: UnitTask, session?: Partial<NewSession>): Promise<AgentSession>
  /** A session of a task of its own. */
  addSessionId(): Promise<string>
}

export async function openSample(databases: Databases, clock: Clock = systemClock): Promise<Sample> {
  await using opening = new AsyncDisposableStack()
  const database = opening.use(await databases.create())
  const store = opening.use(await openStore(database.options, { ...deps, clock }))
  const ids = await store.transaction(insertSampleRoots)
  const resources = opening.move()
  const addTask: Sample['addTask'] = (task) => store.transaction((tx) => insertSampleTask(tx, ids.groupId, task))
  const addSession: Sample['addSession'] = (task, session) =>
    store.transaction((tx) => insertSampleSession(tx, { task, workerId: ids.workerId, session }))
  return {
    store,
    reopen: () => openStore(database.options, { ...deps, clock }),
    ...ids,
    addTask,
    addSession,
    addSessionId: async () => (await addSession(await addTask())).id,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  }
}

export async function insertSampleRoots(tx: Tx) {
  const workspaceId = (await ensureDefaultWorkspace(tx)).id
  const repository = { id: newId(), workspaceId, name: 'shop', localPath: '/src/shop', defaultBranch: 'main' }
  const repositoryId = (await insertRepository(tx, { ...repository, vcsProvider: 'none' })).id
  const groupId = (await insertGroup(tx, { id: newId(), workspaceId, repositoryIds: [repositoryId] })).id
  const worker = await ensureWorker(tx, { id: newId(), name: 'here', labels: ['gpu'], capacity: 4 })
  return { workspaceId, repositoryId, groupId, workerId: worker.id }
}

async function insertSampleTask(tx: Tx, repositoryGroupId: string, task: Parameters<Sample['addTask']>[0] = {}) {
  const agentTask = { id: newId(), agent: 'command', baseRemotes: [] }
  return insertTask(tx, {
    id: newId(),
    repositoryGroupId,
    agentTaskId: (await insertAgentTask(tx, agentTask)).id,
    title: 'Add a cart',
    prompt: 'Add a cart to the shop.',
    status: 'draft',
    agent: 'command',
    permissionMode: 'ask',
    sandbox: 'process',
    baseBranch: 'main',
    branchName: 'troupe/add-a-cart',
    ...task,
  })
}

const insertSampleSession = (
  tx: Tx,
  { task, workerId, session }: { task: UnitTask; workerId: string; session: Partial<NewSession> | undefined },
) =>
  insertSession(tx, {
    id: newId(),
    unitTaskId: task.id,
    agentTaskId: task.agentTaskId,
    workerId,
    agent: task.agent,
    permissionMode: task.permissionMode,
    sandbox: task.sandbox,
    status: 'running',
    prompt: task.prompt,
    attempt: 1,
    ...session,
  })
