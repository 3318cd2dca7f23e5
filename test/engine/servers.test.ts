import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { newId } from '../../core/base/ids.ts'
import type { EffectHandlers } from '../../core/engine/effect-runner.ts'
import { openArchive } from '../../core/log/archive.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import { describePostgres } from '../helpers/databases.ts'
import { makeTestClock, openWorkbench, type EngineOptions } from './workbench.ts'

await describePostgres('servers on one database', (databases) => {
  /** Two engines, each with a store of its own as in processes of their own, and a note of what each has run. */
  async function openTwo(overrides: { one?: Partial<EffectHandlers> } = {}, options: EngineOptions = {}) {
    await using opening = new AsyncDisposableStack()
    const bench = opening.use(await openWorkbench(databases))
    const store = opening.use(await bench.sample.reopen())
    const ran: string[] = []
    const noting = (name: string): Partial<EffectHandlers> => ({
      requestWorker: async () => void ran.push(`${name} requestWorker`),
      startSession: async () => void ran.push(`${name} startSession`),
      stopSession: async () => void ran.push(`${name} stopSession`),
      deliverMessage: async (params) => void ran.push(`${name} ${params.content}`),
    })
    const one = bench.engine({ ...noting('one'), ...overrides.one }, options)
    const two = bench.engine(noting('two'), { ...options, clock: systemClock, store })
    opening.use(two)
    await one.recover()
    await two.recover()
    const resources = opening.move()
    return { bench, one, two, ran, [Symbol.asyncDispose]: () => resources.disposeAsync() }
  }

  async function addSession({ bench, one }: Awaited<ReturnType<typeof openTwo>>): Promise<string> {
    const taskId = await bench.addTask(one)
    const sessionId = newId()
    await one.command(taskId, { type: 'start' })
    await one.tell(taskId, { type: 'assign', sessionId, workerId: bench.sample.workerId })
    return sessionId
  }

  const nothingLeft = async (servers: Awaited<ReturnType<typeof openTwo>>): Promise<void> => {
    await expect.poll(() => servers.bench.sample.store.read((tx) => tx.all('select id from effect'))).toEqual([])
  }

  test('run the effects of one actor in the order of their commits, whoever commits them (E3)', async () => {
    const begin = Promise.withResolvers<void>()
    await using servers = await openTwo({
      one: {
        async startSession() {
          await begin.promise
          servers.ran.push('one startSession')
        },
      },
    })
    const { one, two, ran } = servers
    const sessionId = await addSession(servers)
    await two.command(sessionId, { type: 'message', content: 'first', by: 'local' })
    await one.command(sessionId, { type: 'message', content: 'second', by: 'local' })
    await two.command(sessionId, { type: 'message', content: 'third', by: 'local' })
    await two.idle()
    expect(ran).toEqual(['one requestWorker'])
    begin.resolve()
    await nothingLeft(servers)
    expect(ran).toEqual(['one requestWorker', 'one startSession', 'one first', 'one second', 'one third'])
  })

  test('leave to another what they did not get to in time, and do not run it any more', async () => {
    const begin = Promise.withResolvers<void>()
    const clock = makeTestClock(Date.now())
    await using servers = await openTwo(
      { one: { startSession: () => begin.promise } },
      { clock, bounds: { leaseMs: 1000 } },
    )
    const { one, two, ran } = servers
    const sessionId = await addSession(servers)
    await one.command(sessionId, { type: 'message', content: 'hello', by: 'local' })
    // Its timers stand still, so that it does not renew its lease, and it knows the time when it looks.
    clock.jump(60_000)
    await expect.poll(() => two.recover().then(() => ran.slice(1))).toEqual(['two startSession', 'two hello'])
    begin.resolve()
    await one.idle()
    await nothingLeft(servers)
    expect(ran).toEqual(['one requestWorker', 'two startSession', 'two hello'])
  })

  test('run what belongs to a session where its worker is', async () => {
    await using servers = await openTwo({}, { workerIds: [] })
    const { bench, one, two, ran } = servers
    const sessionId = await addSession(servers)
    await one.idle()
    await two.recover()
    expect(ran).toEqual(['one requestWorker'])
    await using store = await bench.sample.reopen()
    await using there = bench.engine(
      {
        startSession: async () => void ran.push('there startSession'),
        deliverMessage: async () => void ran.push('there message'),
      },
      { store, workerIds: [bench.sample.workerId] },
    )
    await there.recover()
    await there.idle()
    await one.command(sessionId, { type: 'message', content: 'hello', by: 'local' })
    await nothingLeft(servers)
    expect(ran).toEqual(['one requestWorker', 'there startSession', 'there message'])
  })

  test('hear of the changes of each other, also of those that came while they had no connection', async () => {
    await using servers = await openTwo()
    const { bench, one, two } = servers
    const heard: string[] = []
    using _listener = two.onChange(({ taskId }) => heard.push(taskId))
    const first = await bench.addTask(one)
    await expect.poll(() => heard).toContain(first)
    heard.length = 0
    const { store } = bench.sample
    await store.transaction((tx) =>
      tx.all(
        `select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%' and datname = current_database()`,
      ),
    )
    const second = await bench.addTask(one)
    await expect.poll(() => heard).toContain(second)
    const third = await bench.addTask(one)
    await expect.poll(() => heard).toContain(third)
  })

  test('serve the log of a session that another one writes, to its end', async () => {
    await using servers = await openTwo()
    const { bench, one, two } = servers
    const sessionId = await addSession(servers)
    await using store = await bench.sample.reopen()
    const deps = { clock: systemClock, logger: silentLogger, archive: openArchive(tmpdir()) }
    await using writing = openSessionLog({ ...deps, store: bench.sample.store })
    await using serving = openSessionLog({ ...deps, store })
    const seen: number[] = []
    const ended = Promise.withResolvers<string>()
    using _subscription = serving.subscribe(
      { sessionId, after: 0 },
      {
        entries: async (entries) => void seen.push(...entries.map(({ seq }) => seq)),
        ended: ({ reason }) => ended.resolve(reason),
      },
    )
    const draft = { type: 'raw', json: '{"type":"raw","data":"x"}' } as const
    const append = (firstSeq: number) => writing.append({ sessionId, firstSeq, at: 0, drafts: [draft, draft] })
    await append(1)
    await expect.poll(() => seen).toEqual([1, 2])
    await append(3)
    await expect.poll(() => seen).toEqual([1, 2, 3, 4])
    await one.tell(sessionId, { type: 'ended', outcome: 'completed' })
    expect(await ended.promise).toBe('ended')
    await two.idle()
  })
})
