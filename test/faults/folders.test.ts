/** Folders of a session at work are removed by hand: the session ends with a reason, and the task can go on. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { UnitTask } from '../../core/contract/records.ts'
import { openWorld, type World } from '../campaign/world.ts'
import { begin, faultsOf, isAtRest, until } from './scene.ts'

async function atWork(world: World, lines: number): Promise<UnitTask> {
  await world.host.start()
  const task = await begin(world, `say 3 0; fork; say ${lines} 0.05; write one`)
  return until(world, task, ({ sessionId = '' }) => world.ledger(sessionId).includes('line 5'))
}

test('a session whose folder is removed ends with a reason and leaves no process; a retry goes on', async () => {
  await using world = await openWorld()
  const task = await atWork(world, 400)
  rmSync(join(world.home, 'run', task.sessionId!), { recursive: true })
  const ended = await until(world, task, isAtRest)
  expect(await faultsOf(world, task)).toEqual([])
  await expect.poll(() => world.agents()).toEqual([])
  expect(ended).toMatchObject({
    status: 'failed',
    error: { code: 'DATA_DIR_UNUSABLE', message: expect.stringMatching(/cannot be read.*start a new one/s) },
  })
  await world.host.client.call('retryUnitTask', { id: task.id })
  expect(await until(world, task, isAtRest)).toMatchObject({ status: 'in_review' })
  expect(await faultsOf(world, task)).toEqual([])
})

test('a session whose worktree is removed ends; the task says so and gets a new one for its next session', async () => {
  await using world = await openWorld()
  const task = await atWork(world, 40)
  rmSync(join(world.home, 'worktrees', task.id), { recursive: true })
  const ended = await until(world, task, isAtRest)
  expect(await faultsOf(world, task)).toEqual([])
  await expect.poll(() => world.agents()).toEqual([])
  if (ended.status === 'failed') await world.host.client.call('retryUnitTask', { id: task.id })
  else await world.host.client.call('requestChanges', { id: task.id, prompt: 'Again. {{again: say 2 0; write two}}' })
  expect(await until(world, task, isAtRest)).toMatchObject({ status: 'in_review' })
  expect(await faultsOf(world, task)).toEqual([])
})
