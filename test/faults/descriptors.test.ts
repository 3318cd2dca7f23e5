/** A host that may open few files: what does not fit is refused or put off with a reason, and the rest goes on. */
import { expect, test } from 'vitest'
import type { UnitTask } from '../../core/contract/records.ts'
import { openWorld } from '../campaign/world.ts'
import { program } from '../helpers/requirement.ts'
import { begin, faultsOf, isAtRest, until } from './scene.ts'

/** The system's own word for it, or a sentence of ours, and no advice about anything else. */
const SHORTAGE = /^(?!.*[Ii]nstall).*(EMFILE|descriptors|open files)/s

const prlimit = program('prlimit')()

test.skipIf(prlimit !== undefined)('a host with very few descriptors says so or works', async () => {
  await using world = await openWorld({ wrapper: ['prlimit', '--nofile=32:32'] })
  const start = await world.host.start()
  if (start.kind === 'ended') expect(start.stderr).toMatch(/EMFILE|open files|descriptors/)
})

test.skipIf(prlimit !== undefined)(
  'what descriptors do not suffice for is refused with that reason; the host lives on',
  async () => {
    await using world = await openWorld({ wrapper: ['prlimit', '--nofile=72:72'] })
    world.configure('[concurrency]\nmax_sessions = 30')
    expect(await world.host.start()).toEqual({ kind: 'serving' })
    const tasks: UnitTask[] = []
    for (let number = 0; number < 12; number += 1) {
      const begun = await begin(world, `say 3 0; say 5 0.2; write n${number}`).catch((error: unknown) => error)
      if (begun instanceof Error) expect(begun.message).toMatch(SHORTAGE)
      else tasks.push(begun as UnitTask)
    }
    for (const task of tasks) {
      const ended = await until(world, task, isAtRest)
      if (ended.status === 'in_review') expect(await faultsOf(world, task)).toEqual([])
      else expect(ended).toMatchObject({ status: 'failed', error: { message: expect.stringMatching(SHORTAGE) } })
    }
    await expect.poll(() => world.agents()).toEqual([])
    const next = await begin(world, 'say 3 0; write next')
    expect(await until(world, next, isAtRest)).toMatchObject({ status: 'in_review' })
    expect(await faultsOf(world, next)).toEqual([])
  },
)
