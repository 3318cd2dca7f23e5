import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Message } from '../../core/contract/messages.ts'
import { followLog } from '../../core/rpc/client/index.ts'
import { openInProcessHost, readLog, type InProcessHost } from '../helpers/in-process-host.ts'

let host: InProcessHost
beforeAll(async () => {
  host = await openInProcessHost({ config: '[concurrency]\nmax_sessions = 2\n' })
})
afterAll(() => host[Symbol.asyncDispose]())

const taken = async (id: string): Promise<string> => (await host.until(id, 'in_progress', 'in_review')).sessionId!

describe('following a log', () => {
  test('gives every message once and in order to each of several watchers, whenever they come', async () => {
    const { task } = await host.addTask('for i in $(seq 1 300); do echo "line $i"; done; sleep 0.5; echo last')
    const sessionId = await taken(task.id)
    const watch = async (after = 0) => {
      const seen: Message[] = []
      await followLog(host.client, { sessionId, after }, (messages) => void seen.push(...messages))
      return seen
    }
    const early = await Promise.all([watch(), watch(), watch(2)])
    const late = await watch()
    const log = await readLog(host.client, sessionId)
    expect(early[0]).toEqual(log)
    expect(early[1]).toEqual(log)
    expect(early[2]).toEqual(log.slice(2))
    expect(late).toEqual(log)
    const text = log.flatMap((message) => (message.type === 'text' ? message.content.split('\n') : []))
    expect(text).toEqual([...Array.from({ length: 300 }, (_, n) => `line ${n + 1}`), 'last'])
  })

  test('keeps a large body aside and gives it whole on demand (L5)', async () => {
    const { task } = await host.addTask(`node -e 'console.log("x".repeat(300000))'`)
    const { sessionId } = await host.until(task.id, 'in_review', 'failed')
    const log = await readLog(host.client, sessionId!)
    const preview = log.find(({ fullBytes }) => fullBytes !== undefined)!
    expect(preview.fullBytes).toBeGreaterThan(300_000)
    expect(JSON.stringify(preview).length).toBeLessThan(70_000)
    const { body } = await host.client.call('getMessageBody', { sessionId: sessionId!, seq: preview.seq })
    expect(body).toMatchObject({ type: 'text', content: 'x'.repeat(300_000) })
  })
})

describe('following tasks', () => {
  test('sends each change of a task, and that it was deleted', async () => {
    const { task } = await host.addTask('true', { start: false })
    const seen: (string | undefined)[] = []
    using _listener = host.client.on(
      'taskChanged',
      (change) => void (change.taskId === task.id && seen.push(change.task?.status)),
    )
    const { subscriptionId } = await host.client.call('subscribeTasks', { id: task.id })
    await host.client.call('startTaskExecution', { id: task.id })
    await host.until(task.id, 'in_review')
    await expect.poll(() => seen).toContain('in_review')
    await host.client.call('deleteUnitTask', { id: task.id })
    await expect.poll(() => seen.at(-1)).toBeUndefined()
    await host.client.call('unsubscribe', { subscriptionId })
    await expect(host.client.call('unsubscribe', { subscriptionId })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })
})

describe('the queue', () => {
  test('runs no more sessions at once than it may, and all in the end', async () => {
    const tasks = []
    for (let n = 0; n < 5; n += 1) tasks.push((await host.addTask('sleep 0.4')).task)
    let most = 0
    for (let open = true; open;) {
      const { tasks: running } = await host.client.call('listUnitTasks', { status: ['in_progress'] })
      const { tasks: queued } = await host.client.call('listUnitTasks', { status: ['queued'] })
      most = Math.max(most, running.length)
      open = running.length + queued.length > 0
    }
    expect(most).toBeLessThanOrEqual(2)
    for (const { id } of tasks) expect((await host.until(id, 'in_review', 'failed')).status).toBe('in_review')
  })
})
