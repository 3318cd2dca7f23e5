import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, describe, expect, test } from 'vitest'
import type { PluginEnd, PluginHost } from '../../core/plugin/plugin-host.ts'
import { TestIo, makeSession } from '../helpers/plugin-io.ts'
import { openFixtureHost } from './setup.ts'

const resources = new AsyncDisposableStack()
let open = resources

afterEach(async () => {
  await open[Symbol.asyncDispose]()
  open = new AsyncDisposableStack()
})

interface Neighbour {
  readonly io: TestIo
  readonly end: Promise<PluginEnd>
  readonly stop: AbortController
}

const openHost = async (limits: Parameters<typeof openFixtureHost>[0] = {}): Promise<PluginHost> =>
  open.use(await openFixtureHost(limits))

function start(host: PluginHost, after?: TestIo): Neighbour {
  const io = open.use(new TestIo(after && { after }))
  const stop = new AbortController()
  const session = makeSession('neighbour', { checkpoint: after?.progress?.checkpoint })
  const continued = after?.progress && { progress: after.progress, alone: true }
  return { io, stop, end: host.run({ session, io, signal: stop.signal, ...continued }) }
}

/** Number of the thread that the session ran in last. */
const threadOf = ({ io }: Neighbour): string | undefined =>
  io.messages.findLast(({ type }) => type === 'thinking' || type === 'raw')?.type === 'thinking'
    ? io.messages.flatMap((message) => (message.type === 'thinking' ? [message.content] : [])).at(-1)
    : undefined

async function startAll(host: PluginHost, count: number): Promise<Neighbour[]> {
  const all = Array.from({ length: count }, () => start(host))
  await expect.poll(() => all.filter((one) => threadOf(one) === undefined)).toEqual([])
  return all
}

test('sessions share a thread until it is full', async () => {
  const all = await startAll(await openHost({ limits: { sessionsPerThread: 2 } }), 3)
  const [first, second, third] = all.map(threadOf)
  expect(second).toBe(first)
  expect(third).not.toBe(first)
})

test('a thread without work is kept for the next session, and a session that is to be alone gets its own', async () => {
  const host = await openHost()
  const [first] = await startAll(host, 1)
  first?.io.say('end')
  await first?.end
  const [second] = await startAll(host, 1)
  expect(second && threadOf(second)).toBe(first && threadOf(first))
  const alone = start(host, second?.io)
  await expect.poll(() => alone.io.messages.length).toBe(2)
  expect(threadOf(alone)).not.toBe(first && threadOf(first))
})

/** Runs a session to its end and gives what tells whether something keeps it. */
async function runToEnd(host: PluginHost): Promise<WeakRef<TestIo>> {
  await using io = new TestIo()
  const end = host.run({ session: makeSession('neighbour'), io, signal: new AbortController().signal })
  io.say('end')
  await end
  return new WeakRef(io)
}

test('a session that is over is not kept by the thread that it shared', async () => {
  setFlagsFromString('--expose-gc')
  const collect: NodeJS.GCFunction = runInNewContext('gc')
  const host = await openHost()
  const [first] = await startAll(host, 1)
  const over = await runToEnd(host)
  for (let looks = 0; over.deref() && looks < 100; looks += 1) {
    await sleep(20)
    collect()
  }
  expect(over.deref() === undefined).toBe(true)
  expect(first && threadOf(first)).toBeDefined()
})

test('a thread that was prepared is used by the next session, and one that stood before a reload is not', async () => {
  const host = await openHost()
  host.prepare('neighbour')
  const [first] = await startAll(host, 1)
  await host.reload()
  const [second] = await startAll(host, 1)
  expect(second && threadOf(second)).not.toBe(first && threadOf(first))
})

describe('a session that harms its thread interrupts the others, and they go on from where they were, when it', () => {
  test.for([
    ['exit', 'PLUGIN_DIED', {}],
    ['throw', 'PLUGIN_FAILED', {}],
    ['leak', 'PLUGIN_DIED', {}],
    ['spin', 'PLUGIN_UNRESPONSIVE', { unresponsiveMs: 3_000 }],
  ] as const)('does: %s', async ([misdeed, code, limits]) => {
    const host = await openHost({ limits })
    const [culprit, ...others] = await startAll(host, 3)
    for (const { io } of others) io.say('one', 'two')
    await expect.poll(() => others.map(({ io }) => io.texts().length)).toEqual([2, 2])
    culprit?.io.say(misdeed)
    const interrupted = { kind: 'interrupted', error: { code, message: expect.stringContaining('fixture-neighbour') } }
    expect(await culprit?.end).toEqual(interrupted)
    for (const { end } of others) expect(await end).toEqual(interrupted)

    const again = start(host, culprit?.io)
    const goingOn = others.map(({ io }) => start(host, io))
    expect(await again.end).toEqual(interrupted)
    for (const { io } of goingOn) io.say('three', 'end')
    for (const { end, io } of goingOn) {
      expect(await end).toEqual({ kind: 'complete', success: true, summary: '3' })
      expect(io.texts()).toEqual(['1 one', '2 two', '3 three'])
    }
  })
})

test('a session that is over leaves nothing that ends the thread of the others', async () => {
  const host = await openHost()
  const [first, second] = await startAll(host, 2)
  first?.stop.abort()
  expect(await first?.end).toEqual({ kind: 'stopped' })
  second?.io.say('still here', 'end')
  expect(await second?.end).toMatchObject({ kind: 'complete', summary: '1' })
})

test('a session that floods leaves the others their turns', async () => {
  const host = await openHost()
  const [flooding, other] = await startAll(host, 2)
  flooding?.io.say('flood')
  await expect.poll(() => flooding?.io.texts().length).toBeGreaterThan(10_000)
  const before = flooding?.io.batches.length ?? 0
  other?.io.say('hello')
  await expect.poll(() => other?.io.texts()).toEqual(['1 hello'])
  expect((flooding?.io.batches.length ?? 0) - before).toBeLessThan(500)
  flooding?.stop.abort()
  await flooding?.io[Symbol.asyncDispose]()
})
