/**
 * The real host is killed at every fault point of a task's life and started again; the life comes to the same end, and
 * nothing is lost, doubled or left behind.
 */
import { expect, test } from 'vitest'
import { findFaultPoints } from './fault-points.ts'
import { ComparedLife, lead, type Life, LateLife, StoppedLife, WholeLife } from './lives.ts'
import { checkStore, checkTask } from './oracle.ts'
import { PluginLife } from './plugin-life.ts'
import { openWorld, type World } from './world.ts'

/** A task whose sessions are lost three times in a row fails. */
const MOST_LOST_IN_A_ROW = 2

test('each fault point has a name of its own, written out where it is', () => {
  const calls = findFaultPoints()
  expect(calls.filter(({ name }) => name === undefined)).toEqual([])
  const names = calls.map(({ name }) => name)
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
})

/** Where each detail is a place of its own: what is committed then, or done, differs. */
const BY_DETAIL = new Set(['engine.event-committed', 'engine.effect-handled'])

function toPlace(point: string): string {
  const [name = ''] = point.split(':')
  return BY_DETAIL.has(name) ? point : name
}

/** How many sessions of a task were lost since one that was not; of several tasks, the most. */
async function lostInARow({ host }: World, { title }: Life): Promise<number> {
  const { tasks } = await host.client.call('listUnitTasks', { search: title })
  const counts = tasks.map(async ({ agentTaskId }) => {
    const { sessions } = (await host.client.call('getAgentTask', { id: agentTaskId })).agentTask
    const ended = sessions.filter(({ outcome }) => outcome !== undefined)
    return ended.length - 1 - ended.findLastIndex(({ outcome }) => outcome !== 'lost')
  })
  return Math.max(0, ...(await Promise.all(counts)))
}

/** Leads a life; the host is killed at each point that is not in `hit` yet, which is added then. Gives the crashes. */
async function leadThroughCrashes(world: World, life: Life, hit: Set<string>): Promise<number> {
  const { host } = world
  const crashes: string[] = []
  let lost = 0
  const arm = () => host.arm(lost < MOST_LOST_IN_A_ROW ? ['*', ...[...hit].map((point) => `!${point}`)] : [])
  arm()
  await lead(world, life, {
    crashed() {
      const point = host.killedAt()
      if (point === undefined) throw new Error(`the host died by itself: ${host.epitaph}`)
      crashes.push(point)
      lost += 1 // At most; the next look will tell.
      hit.add(toPlace(point))
      host.forget()
      arm()
    },
    async stepped() {
      lost = await lostInARow(world, life)
      arm()
    },
  }).catch((error: unknown) => {
    throw new Error(`${life.title}, after crashes at ${crashes.join(', ')}: ${String(error)}`, { cause: error })
  })
  host.arm([])
  return crashes.length
}

/** Leads lives of one kind until one is hit nowhere any more. */
async function sweep(world: World, hit: Set<string>, begin: (name: string) => Life): Promise<void> {
  for (let number = 1; ; number += 1) {
    const life = begin(`n${number}`)
    const crashes = await leadThroughCrashes(world, life, hit)
    // It may have been hit once more at the very end.
    await lead(world, life)
    await checkAll(world, life)
    if (crashes === 0) return
  }
}

async function checkAll(world: World, life: Life): Promise<void> {
  const { task, accepted } = life
  await expect.poll(() => world.agents()).toEqual([])
  expect(checkStore(world, { idle: true })).toEqual([])
  const known = await world.host.client.call('listUnitTasks', { search: life.title })
  if (known.tasks.length > 0) expect((await checkTask(world, task!.agentTaskId, accepted)).violations).toEqual([])
}

test('a task comes to its end, with nothing lost or doubled, when its host is killed at any fault point', async () => {
  const hit = new Set<string>()
  const whole = async () => {
    await using world = await openWorld()
    await sweep(world, hit, (name) => new WholeLife(world, name))
  }
  const others = async () => {
    await using world = await openWorld()
    await sweep(world, hit, (name) => new PluginLife(world, name))
    await sweep(world, hit, (name) => new StoppedLife(world, name))
    await sweep(world, hit, (name) => new ComparedLife(world, name))
    world.configure('[timeouts]\ntotal_minutes = 0.01')
    await sweep(world, hit, (name) => new LateLife(world, name))
  }
  await Promise.all([whole(), others()])
  const names = new Set([...hit].map((point) => point.split(':')[0]))
  expect(findFaultPoints().filter(({ name }) => !names.has(name))).toEqual([])
}, 600_000)
