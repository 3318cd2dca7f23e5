/** A host that dies at once, and the one that comes after it. */
import { expect, test } from 'vitest'
import { processesWith } from '../helpers/processes.ts'
import { openTroupe } from '../helpers/troupe.ts'

const pids = (lines: readonly string[]) => lines.map((line) => line.split(' ')[0])

test('agents of a killed host are ended at the next start, double-forked ones too, and their task goes on', async () => {
  await using troupe = await openTroupe()
  const repository = await troupe.lab.repository()
  await troupe.start()
  // The first run hangs; the second, which finds what the first left, ends.
  const prompt = 'if test -e seen; then echo again >> seen; else echo once > seen; setsid sleep 600 & sleep 600; fi'
  const task = await troupe.addTask(repository, { prompt, agent: 'command' })
  const marker = `TROUPE_TASK_ID=${task.id}`
  const sleeping = () => processesWith(marker).filter((line) => line.includes('sleep 600'))
  await expect.poll(() => sleeping().length, { timeout: 60_000 }).toBeGreaterThanOrEqual(2)
  const left = pids(processesWith(marker))

  await troupe.stop('SIGKILL')
  expect(sleeping().length).toBeGreaterThanOrEqual(2)

  await troupe.start()
  expect(pids(processesWith(marker)).filter((pid) => left.includes(pid))).toEqual([])
  const done = await troupe.until(task.id, (now) => !['queued', 'in_progress'].includes(now.status))
  expect(done).toMatchObject({ status: 'in_review' })
  const { agentTask } = await troupe.client.call('getAgentTask', { id: task.agentTaskId })
  expect(agentTask.sessions.map(({ outcome }) => outcome)).toEqual(['lost', 'completed'])
  expect(processesWith(marker)).toEqual([])
  const file = await troupe.client.call('getTaskFile', { id: task.id, path: 'seen' })
  expect(file.content).toBe('once\nagain\n')
})

test('a second host on one data directory is refused with the name of the first', async () => {
  await using troupe = await openTroupe()
  await troupe.start()
  const second = await troupe.run(['up', '--port', '0'])
  expect(second.code).toBe(1)
  expect(second.stderr).toMatch(/HOST_ALREADY_RUNNING/)
  expect(second.stderr).toMatch(/pid \d+/)
})
