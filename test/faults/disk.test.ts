/** The disk of the data directory is full, or may not be written: who asks is told, nothing breaks, and it goes on after. */
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openWorld } from '../campaign/world.ts'
import { answer, answerUntilReview, begin, faultsOf, isAsked, refusal, until } from './scene.ts'
import { mountProbe, mountSmallDisk } from './small-disk.ts'

const reason = await mountProbe()
// In a container of CI mounts may be forbidden to everybody, so this is no requirement.
const describeWithDisk =
  reason === undefined
    ? describe
    : (name: string, tests: () => void) => describe.skip(`${name} (needs mount: ${reason})`, tests)

describeWithDisk('a host', () => {
  test('says that its disk is full, keeps what it has and goes on when there is room', async () => {
    using disk = mountSmallDisk(24)
    await using world = await openWorld({ home: join(disk.path, 'troupe') })
    await world.host.start()
    const task = await begin(world, 'say 3 0; ask colour Which?; say 3 0; write one')
    await until(world, task, isAsked)

    disk.fill()
    const refused = await refusal(answer(world, task))
    expect(refused.code).toBe('STORE_FAILED')
    expect(refused.message).toMatch(/full/)
    expect((await refusal(begin(world, 'say 1 0'))).code).toBe('STORE_FAILED')
    expect((await until(world, task, isAsked)).status).toBe('in_progress')

    disk.clear()
    await answer(world, task)
    await until(world, task, 'in_review')
    expect(await faultsOf(world, task)).toEqual([])
  })

  test('that was killed on a full disk starts again when there is room', async () => {
    using disk = mountSmallDisk(24)
    await using world = await openWorld({ home: join(disk.path, 'troupe') })
    await world.host.start()
    const task = await begin(world, 'say 3 0; ask colour Which?; say 3 0; write one')
    await until(world, task, isAsked)
    disk.fill()
    await world.host.end('SIGKILL')

    const start = await world.host.start()
    if (start.kind === 'ended') expect(start.stderr).toMatch(/\[(STORE_FAILED|DATA_DIR_UNUSABLE)\]/)
    await world.host.end('SIGTERM')
    disk.clear()
    await world.host.start()
    await answerUntilReview(world, task)
    expect(await faultsOf(world, task)).toEqual([])
  })

  test('says that its data directory is read-only, and goes on when it can be written', async () => {
    using disk = mountSmallDisk(24)
    await using world = await openWorld({ home: join(disk.path, 'troupe') })
    await world.host.start()
    const task = await begin(world, 'say 3 0; ask colour Which?; say 3 0; write one')
    await until(world, task, isAsked)
    await world.host.end('SIGKILL')
    {
      using _protected = disk.protect()
      const start = await world.host.start()
      expect(start).toMatchObject({ kind: 'ended', stderr: expect.stringMatching(/\[DATA_DIR_UNUSABLE\]/) })
      await world.host.end('SIGKILL')
    }
    await world.host.start()
    await answerUntilReview(world, task)
    expect(await faultsOf(world, task)).toEqual([])
  })
})
