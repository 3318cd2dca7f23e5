/** A host that is killed with many agents at work: what the next one does for clients while it takes the sessions up. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import type { UnitTask } from '../../core/contract/records.ts'
import type { Client } from '../../core/rpc/client/index.ts'
import { followLog } from '../../core/rpc/client/follow-log.ts'
import { processesWith } from '../helpers/processes.ts'
import { openTroupe, type Troupe } from '../helpers/troupe.ts'

const AGENTS = 12

const textsOf = async (client: Client, sessionId: string): Promise<string[]> => {
  const { messages } = await client.call('getExecutionLogs', { sessionId, limit: 1000 })
  return messages.flatMap((message) => (message.type === 'text' ? [message.content] : []))
}

/** Tasks whose agents print their process id and then wait for a file; settles when all have printed. */
async function startWaiting(troupe: Troupe, gate: string): Promise<UnitTask[]> {
  const repository = await troupe.lab.repository('many')
  const prompt = `echo $$; while [ ! -e '${gate}' ]; do sleep 0.2; done; echo done`
  const tasks: UnitTask[] = []
  for (let index = 0; index < AGENTS; index += 1) {
    tasks.push(await troupe.addTask(repository, { prompt, agent: 'command' }))
  }
  const speaks = async ({ id }: UnitTask) => {
    const task = await troupe.until(id, ({ sessionId }) => sessionId !== undefined)
    await expect.poll(() => textsOf(troupe.client, task.sessionId!)).toHaveLength(1)
    return task
  }
  return Promise.all(tasks.map(speaks))
}

it('a host lists, stops, follows and begins tasks while it takes up what was at work, also when it is killed meanwhile', async () => {
  await using troupe = await openTroupe()
  troupe.configure(`[concurrency]\nmax_sessions = ${AGENTS + 1}`)
  await troupe.start()
  const gate = join(troupe.lab.folder, 'gate')
  const [first, ...others] = await startWaiting(troupe, gate)
  const pids = await Promise.all(others.map(({ sessionId }) => textsOf(troupe.client, sessionId!)))
  await troupe.stop('SIGKILL')
  await troupe.start()
  await troupe.stop('SIGKILL') // as soon as it serves, in the middle of taking them up
  const client = await troupe.start()
  const { tasks } = await client.call('listUnitTasks', { limit: 100 })
  expect(tasks.map(({ status }) => status)).toEqual(tasks.map(() => 'in_progress'))
  const numbers: number[] = []
  const followed = others[0]!.sessionId!
  const following = followLog(
    client,
    { sessionId: followed },
    (messages) => void numbers.push(...messages.map(({ seq }) => seq)),
  )
  const stopped = client.call('stopTaskExecution', { id: first!.id })
  const added = await troupe.addTask(await troupe.lab.repository('one more'), { prompt: 'echo new', agent: 'command' })
  await expect(stopped).resolves.toMatchObject({ task: { status: 'stopped' } })
  expect(processesWith(`TROUPE_SESSION_ID=${first!.sessionId}`)).toEqual([])
  writeFileSync(gate, '')
  await Promise.all(others.map(({ id }) => troupe.until(id, 'in_review')))
  await troupe.until(added.id, 'in_review')
  const said = await Promise.all(others.map(({ sessionId }) => textsOf(client, sessionId!)))
  expect(said).toEqual(pids.map(([pid]) => [pid, 'done']))
  const { lastSeq } = await following
  expect(numbers).toEqual(Array.from({ length: lastSeq }, (_, index) => index + 1))
})
