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

test('short commands work on what a killed host left, and start no agent', async () => {
  await using troupe = await openTroupe()
  const repository = await troupe.lab.repository()
  await troupe.start()
  const task = await troupe.addTask(repository, { prompt: 'sleep 600', agent: 'command' })
  await troupe.until(task.id, 'in_progress')
  await troupe.stop('SIGKILL')
  for (const args of [
    ['task', 'ls'],
    ['task', 'show', task.id],
    ['task', 'logs', task.id],
  ]) {
    const result = await troupe.run(args)
    expect([args, result.code, result.stderr]).toEqual([args, 0, ''])
    expect(result.stdout).toMatch(/sleep 600/)
  }
  expect(processesWith(`TROUPE_TASK_ID=${task.id}`)).toEqual([])
  expect((await troupe.run(['task', 'stop', task.id])).code).toBe(0)
})

test('a run that nobody reads any more is stopped, not run again later', async () => {
  await using troupe = await openTroupe()
  const repository = await troupe.lab.repository()
  const child = troupe.spawn(['run', 'echo one; sleep 3; echo two', '--agent', 'command', '--json'], {
    cwd: repository.path,
  })
  await new Promise((settle) => child.stdout?.once('data', settle))
  child.stdout?.destroy()
  await new Promise((settle) => child.once('exit', settle))
  const { tasks } = JSON.parse((await troupe.run(['task', 'ls', '--json'])).stdout) as { tasks: { status: string }[] }
  expect(tasks).toMatchObject([{ status: 'stopped' }])
})

test('a second host on one data directory is refused with the name of the first', async () => {
  await using troupe = await openTroupe()
  await troupe.start()
  const second = await troupe.run(['up', '--port', '0'])
  expect(second.code).toBe(1)
  expect(second.stderr).toMatch(/HOST_ALREADY_RUNNING/)
  expect(second.stderr).toMatch(/pid \d+/)
})
