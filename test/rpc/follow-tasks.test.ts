import { expect, it } from 'vitest'
import { silentLogger } from '../../core/base/logger.ts'
import { catalogue } from '../../core/contract/catalogue.ts'
import type { UnitTask } from '../../core/contract/records.ts'
import { makeClient } from '../../core/rpc/client/client.ts'
import { connectWebSocket } from '../../core/rpc/client/connect-websocket.ts'
import { followTasks } from '../../core/rpc/client/follow-tasks.ts'
import type { Connection } from '../../core/rpc/handlers.ts'
import { makeRouterOf } from '../../core/rpc/router.ts'
import { listenHttp } from '../../core/rpc/server/listen-http.ts'
import { TOKEN } from './transports.ts'

const task: UnitTask = {
  id: 'task-1',
  createdAt: '2026-01-01T00:00:00.000Z',
  updatedAt: '2026-01-01T00:00:00.000Z',
  repositoryGroupId: 'group-1',
  agentTaskId: 'agent-task-1',
  title: 'A task',
  prompt: 'Do it.',
  status: 'queued',
  agent: 'command',
  permissionMode: 'ask',
  sandbox: 'process',
  baseBranch: 'main',
  branchName: 'troupe/task',
}

it('tells of changes, and after a lost connection that they are told again from here', async () => {
  const connections: Connection[] = []
  const { subscribeTasks } = catalogue
  const router = makeRouterOf(
    { subscribeTasks },
    {
      logger: silentLogger,
      handlers: {
        subscribeTasks: async (_params, { connection }) => {
          if (connection) connections.push(connection)
          return { subscriptionId: 's' }
        },
      },
    },
  )
  const limits = { closeMs: 50 }
  const first = await listenHttp({ router, port: 0, token: TOKEN, limits })
  const backoff = { firstMs: 5, maxMs: 20 }
  await using connection = await connectWebSocket(first.url, { token: TOKEN, backoff })
  const controller = new AbortController()
  const told: string[] = []
  const following = followTasks(
    makeClient(connection),
    {},
    {
      subscribed: () => void told.push('subscribed'),
      changed: (taskId, changed) => void told.push(changed?.status ?? `${taskId} deleted`),
    },
    controller.signal,
  ).catch((error: unknown) => error)

  await expect.poll(() => told).toEqual(['subscribed'])
  await connections[0]?.notify('taskChanged', { subscriptionId: 's', taskId: task.id, task })
  await first[Symbol.asyncDispose]()
  await using second = await listenHttp({ router, port: first.port, token: TOKEN, limits })
  expect(second.port).toBe(first.port)
  await expect.poll(() => told).toEqual(['subscribed', 'queued', 'subscribed'])
  await connections[1]?.notify('taskChanged', { subscriptionId: 's', taskId: task.id })
  await expect.poll(() => told.at(-1)).toBe('task-1 deleted')
  controller.abort(new Error('enough'))
  expect(await following).toMatchObject({ message: 'enough' })
})
