/** What a host holds open is what it needs now, however much it did before. */
import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { openInProcessHost } from '../helpers/in-process-host.ts'

const SESSIONS = 6

const openDescriptors = (): number => readdirSync('/proc/self/fd').length

test('a host holds no more descriptors after some sessions than after the first ones', async () => {
  await using host = await openInProcessHost()
  const run = async (): Promise<void> => {
    const tasks = await Promise.all(Array.from({ length: SESSIONS }, () => host.addTask('echo one; echo two >&2')))
    await Promise.all(tasks.map(({ task }) => host.until(task.id, 'in_review')))
  }
  await run()
  const before = openDescriptors()
  await run()
  await run()
  await expect.poll(openDescriptors).toBeLessThanOrEqual(before)
})
