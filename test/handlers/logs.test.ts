/** Searching logs, and what becomes of them when their task is finished, as a client sees it. */
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openInProcessHost, readLog, type InProcessHost } from '../helpers/in-process-host.ts'

let host: InProcessHost
beforeAll(async () => {
  host = await openInProcessHost()
})
afterAll(() => host[Symbol.asyncDispose]())

async function finished(
  prompt: string,
  decide: 'rejectUnitTask' | undefined,
): Promise<{ id: string; sessionId: string }> {
  const { task } = await host.addTask(prompt)
  const { id, sessionId } = await host.until(task.id, 'in_review', 'failed')
  if (decide) await host.client.call(decide, { id })
  return { id, sessionId: sessionId! }
}

const archives = (): string[] => {
  const folder = join(host.home, 'archive')
  return existsSync(folder) ? readdirSync(folder) : []
}

test('a log is searched by its text, and by type', async () => {
  const { sessionId } = await finished('echo Needle in the hay', undefined)
  const find = (text: string, types?: ('text' | 'userMessage')[]) =>
    host.client.call('searchExecutionLogs', { sessionId, text, ...(types && { types }) })
  const found = await find('needle')
  expect(found).toMatchObject({ complete: true, after: (await readLog(host.client, sessionId)).length })
  expect(found.messages.map(({ type }) => type)).toEqual(['userMessage', 'toolUse', 'text', 'complete'])
  expect((await find('NEEDLE', ['text'])).messages.map(({ type }) => type)).toEqual(['text'])
  expect((await find('not there')).messages).toEqual([])
  const unknown = { sessionId: '01920000-0000-7000-8000-000000000000', text: 'x' }
  await expect(host.client.call('searchExecutionLogs', unknown)).rejects.toMatchObject({ code: 'NOT_FOUND' })
})

test('logs of finished tasks are archived when the settings say so, read as before, and deleted with their task', async () => {
  const done = await finished('for i in $(seq 1 50); do echo "line $i"; done', 'rejectUnitTask')
  const open = await finished('echo kept', undefined)
  expect(await host.client.call('applyRetention', {})).toMatchObject({ archived: 0, dropped: 0 })
  const before = await readLog(host.client, done.sessionId)
  host.configure('[retention]\nafter_days = 0.00000001\n')

  expect(await host.client.call('applyRetention', {})).toMatchObject({ archived: 1, dropped: 0 })

  expect(archives()).toEqual([`${done.sessionId}.ndjson.gz`])
  expect(await readLog(host.client, done.sessionId)).toEqual(before)
  const sessionOf = async (id: string) => (await host.client.call('getAgentSession', { id })).session
  expect(await sessionOf(done.sessionId)).toMatchObject({ retired: 'archived', lastSeq: before.length })
  expect(await sessionOf(open.sessionId)).not.toHaveProperty('retired')
  await host.restart()
  expect(await readLog(host.client, done.sessionId)).toEqual(before)
  await host.client.call('deleteUnitTask', { id: done.id })
  expect(archives()).toEqual([])
})
