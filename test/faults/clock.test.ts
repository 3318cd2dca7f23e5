/** The wall clock jumps while agents work, as it does when a laptop wakes or a server is set right. */
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { readLog } from '../campaign/oracle.ts'
import { openWorld } from '../campaign/world.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'
import { answer, begin, faultsOf, isAsked, until } from './scene.ts'

const SHIFT = fileURLToPath(new URL('shifted-clock.ts', import.meta.url))
const DAY_MS = 24 * 60 * 60 * 1000

test('a clock that jumps forward and back ends no session and loses no message', async () => {
  using folder = makeTemporaryFolder()
  const clock = `${folder.path}/clock`
  const jumpTo = (days: number) => writeFileSync(clock, String(days * DAY_MS))
  jumpTo(0)
  await using world = await openWorld({ env: { NODE_OPTIONS: `--import=${SHIFT}`, TEST_CLOCK: clock } })
  await world.host.start()
  const task = await begin(world, 'say 5 0; ask colour Which?; say 30 0.05; ask size Which?; say 3 0; write one')
  await until(world, task, isAsked)
  jumpTo(3)
  await answer(world, task)
  jumpTo(-10)
  await until(world, task, (now) => isAsked(now) && world.ledger(now.sessionId ?? '').includes('line 35'))
  jumpTo(1)
  await answer(world, task)
  const reviewed = await until(world, task, (now) => !['queued', 'in_progress'].includes(now.status))
  expect(reviewed).toMatchObject({ status: 'in_review' })
  expect(await faultsOf(world, task)).toEqual([])
  const log = await readLog(world.host.client, reviewed.sessionId!)
  expect(log.filter((message) => message.type === 'text')).toHaveLength(41)

  await world.host.end('SIGKILL')
  jumpTo(-20)
  expect(await world.host.start()).toEqual({ kind: 'serving' })
  expect((await until(world, task, 'in_review')).status).toBe('in_review')
  const next = await begin(world, 'say 3 0; write two')
  await until(world, next, 'in_review')
  expect(await faultsOf(world, next)).toEqual([])
})
