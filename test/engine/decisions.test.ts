import { expect, test } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { fail, TroupeError } from '../../core/base/errors.ts'
import { newId } from '../../core/base/ids.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { sleep } from '../../core/base/waiting.ts'
import type { EffectHandlers } from '../../core/engine/effect-runner.ts'
import type { Engine } from '../../core/engine/engine.ts'
import { chooseAttempt } from '../../core/handlers/choose-attempt.ts'
import { taskStatusOf } from '../../core/machines/columns.ts'
import { makeScheduler } from '../../core/schedule/scheduler.ts'
import { countLiveSessions, getSession } from '../../core/store/sessions.ts'
import type { Store } from '../../core/store/store.ts'
import { deleteTask, lockAttempts } from '../../core/store/tasks.ts'
import { makeRandom, type Random } from '../campaign/random.ts'
import { describePostgres } from '../helpers/databases.ts'
import { openWorkbench, spawnTask, type Workbench } from './workbench.ts'

/** Less than a statement waits for a lock. */
const WAIT = { timeout: 4_000, interval: 20 }
const seed = Number(process.env['TROUPE_TEST_ENGINES_SEED'] ?? Math.floor(Math.random() * 2 ** 31))

interface ServerOptions {
  readonly capacity?: number
  readonly handlers?: (server: Server) => Partial<EffectHandlers>
  /** Called in a transaction that has queued a task and is about to look for a place. */
  readonly whenQueued?: () => Promise<void>
  /** Called in a transaction that has just taken a place at the worker. */
  readonly whenPlaced?: () => Promise<void>
}

interface Server {
  readonly store: Store
  readonly engine: Engine
  /** What came of what the scheduler gave to the worker. */
  readonly assigned: Promise<boolean>[]
  poke(): void
}

await describePostgres('what servers decide at the same time', (databases) => {
  /** An engine and a scheduler on connections of their own, as in a process of its own. */
  async function openServer(bench: Workbench, options: ServerOptions, opened: AsyncDisposableStack): Promise<Server> {
    const { capacity = 1, handlers = () => ({}), whenQueued, whenPlaced } = options
    const { workerId } = bench.sample
    const store = opened.use(await bench.sample.reopen())
    const assigned: Promise<boolean>[] = []
    const toAssign = (id: string) => ({ type: 'assign', sessionId: newId(), workerId: id })
    const scheduler = makeScheduler({
      store,
      clock: systemClock,
      logger: silentLogger,
      workers: () => [{ id: workerId, capacity }],
      async assign(taskId, id, hasRoom) {
        assigned.push(engine.offer(taskId, toAssign(id), hasRoom))
        return (await assigned.at(-1)) ?? false
      },
    })
    const server = { store, assigned, poke: () => scheduler.poke() }
    const engine: Engine = bench.engine(
      {
        requestWorker: async () => scheduler.poke(),
        ...handlers({
          ...server,
          get engine() {
            return engine
          },
        }),
      },
      {
        store,
        async settle(tx, { type, params }) {
          if (type === 'requestWorker') await whenQueued?.()
          const id = type === 'requestWorker' ? await scheduler.placeNow(tx, params.taskId) : undefined
          if (id !== undefined) await whenPlaced?.()
          return id === undefined ? undefined : toAssign(id)
        },
      },
    )
    opened.use(engine)
    opened.use(scheduler)
    opened.use(engine.onChange(({ machine }) => machine === 'agentSession' && scheduler.poke()))
    return { ...server, engine }
  }

  /** Settles when so many transactions wait for locks that others hold. */
  const untilWaiting = ({ sample: { store } }: Workbench, count: number): Promise<void> =>
    expect
      .poll(() => {
        const sql = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()`
        return store.read((tx) => tx.all(sql))
      }, WAIT)
      .toHaveLength(count)

  const addAttempt = ({ sample: { store, groupId } }: Workbench, engine: Engine, comparisonId: string) =>
    spawnTask(engine, groupId).then(async (id) => {
      await store.transaction((tx) => tx.run('update unit_task set comparison_id = ? where id = ?', [comparisonId, id]))
      return id
    })

  test('gives the last place at a worker to one of two tasks', async () => {
    await using opened = new AsyncDisposableStack()
    const bench = opened.use(await openWorkbench(databases))
    let started: Promise<unknown> | undefined
    const whenPlaced = async (): Promise<void> => {
      started = two.engine.command(second, { type: 'start' })
      await untilWaiting(bench, 1)
    }
    const one = await openServer(bench, { whenPlaced }, opened)
    const two = await openServer(bench, {}, opened)
    const [first, second] = [await bench.addTask(one.engine), await bench.addTask(one.engine)]
    await one.engine.command(first, { type: 'start' })
    await started
    expect([await bench.task(first), await bench.task(second)]).toMatchObject([
      { status: 'in_progress' },
      { status: 'queued' },
    ])
  })

  test('chooses one attempt', async () => {
    await using opened = new AsyncDisposableStack()
    const bench = opened.use(await openWorkbench(databases))
    const one = await openServer(bench, {}, opened)
    const two = await openServer(bench, {}, opened)
    const comparisonId = newId()
    const ids = [
      await addAttempt(bench, one.engine, comparisonId),
      await addAttempt(bench, one.engine, comparisonId),
    ] as const
    for (const id of ids) {
      await one.engine.command(id, { type: 'start' })
      const { sessionId = '' } = await bench.task(id)
      await one.engine.tell(sessionId, { type: 'ended', outcome: 'completed' })
      await one.engine.idle()
      expect((await bench.task(id)).status).toBe('in_review')
    }
    const [first, second] = ids
    let other: Promise<unknown> | undefined
    await one.engine.command(first, { type: 'choose', others: [second] }, async (tx) => {
      await lockAttempts(tx, comparisonId)
      other = chooseAttempt(two, second, comparisonId)
      other.catch(() => {}) // It is looked at below.
      await untilWaiting(bench, 1)
    })
    await expect(other).rejects.toMatchObject({ code: 'CONFLICT', message: expect.stringContaining('chosen already') })
    await one.engine.idle()
    await expect.poll(async () => (await bench.task(second)).status, WAIT).toBe('rejected')
    expect((await bench.task(first)).status).toBe('approved')
  })

  test('chooses, starts and assigns attempts at once without waiting in a circle', async () => {
    await using opened = new AsyncDisposableStack()
    const bench = opened.use(await openWorkbench(databases))
    const comparisonId = newId()
    const chosen: Promise<unknown>[] = []
    async function whenQueued(): Promise<void> {
      await sleep(5) // The other is queued after this one, which does not wait for it then.
      await full.engine.command(assigned, { type: 'start' })
      chosen.push(chooseAttempt(full, done, comparisonId))
      await untilWaiting(bench, 1) // for the attempt that is being started; it has those before
      free.poke()
      await untilWaiting(bench, 2)
    }
    const full = await openServer(bench, { capacity: 0 }, opened)
    const free = await openServer(bench, { capacity: 8 }, opened)
    const starting = await openServer(bench, { capacity: 8, whenQueued }, opened)
    const assigned = await addAttempt(bench, full.engine, comparisonId)
    await sleep(5)
    const started = await addAttempt(bench, full.engine, comparisonId)
    const done = await addAttempt(bench, full.engine, comparisonId)
    const { workerId } = bench.sample
    await full.engine.command(done, { type: 'start' })
    await full.engine.tell(done, { type: 'assign', sessionId: newId(), workerId })
    await full.engine.tell((await bench.task(done)).sessionId ?? '', { type: 'ended', outcome: 'completed' })
    await expect.poll(async () => (await bench.task(done)).status, WAIT).toBe('in_review')

    await starting.engine.command(started, { type: 'start' })
    await Promise.all([...chosen, ...free.assigned])
    expect([chosen.length, free.assigned.length]).toEqual([1, 1])
    expect((await bench.task(done)).status).toBe('approved')
  })

  test('leaves connections to others while many tasks are being removed', async () => {
    await using opened = new AsyncDisposableStack()
    const bench = opened.use(await openWorkbench(databases))
    const { engine, store } = await openServer(bench, {}, opened)
    const ids = await Promise.all(Array.from({ length: 12 }, () => bench.addTask(engine)))
    const cleared = Promise.withResolvers<void>()
    const removed = ids.map((id) =>
      engine.remove(id, { clear: () => cleared.promise, erase: (tx) => deleteTask(tx, id) }),
    )
    try {
      expect(await store.transaction((tx) => tx.all('select 1 from unit_task'))).toHaveLength(ids.length)
    } finally {
      cleared.resolve()
      await Promise.all(removed)
    }
    expect(await store.read((tx) => tx.all('select 1 from unit_task'))).toEqual([])
  })

  test('begins nothing for a task that is being removed', async () => {
    await using opened = new AsyncDisposableStack()
    const bench = opened.use(await openWorkbench(databases))
    const one = await openServer(bench, {}, opened)
    const two = await openServer(bench, {}, opened)
    const id = await bench.addTask(one.engine)
    let started: Promise<unknown> | undefined
    await one.engine.remove(id, {
      async clear() {
        started = two.engine.command(id, { type: 'start' })
        started.catch(() => {}) // It is looked at below.
        await untilWaiting(bench, 1)
      },
      erase: (tx) => deleteTask(tx, id),
    })
    await expect(started).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test(`holds under load (seed ${seed})`, { timeout: 120_000 }, async () => {
    await using opened = new AsyncDisposableStack()
    const bench = opened.use(await openWorkbench(databases))
    const { store } = bench.sample
    const random = makeRandom(seed)
    const capacity = 2
    const violations: string[] = []

    const handlers = (server: Server): Partial<EffectHandlers> => ({
      async startSession({ sessionId }) {
        const session = await server.store.read((tx) => getSession(tx, sessionId))
        if (!session) violations.push(`session ${sessionId} began after its task was removed`)
        await sleep(random.between(0, 10))
        const outcome = random.pick(['completed', 'completed', 'failed'])
        await server.engine.tell(sessionId, { type: 'ended', outcome })
      },
      stopSession: async ({ sessionId }) =>
        void (await server.engine.tell(sessionId, { type: 'ended', outcome: 'stopped' })),
    })

    async function look(): Promise<void> {
      const live = (await store.read(countLiveSessions)).get(bench.sample.workerId) ?? 0
      if (live > capacity) violations.push(`the worker has ${live} sessions`)
      const sql = `select comparison_id from unit_task where status = 'approved' group by 1 having count(*) > 1`
      if ((await store.read((tx) => tx.all(sql))).length > 0) violations.push('two attempts are chosen')
    }

    const remove = ({ engine }: Server, id: string): Promise<void> =>
      engine.remove(id, {
        async clear(state) {
          if (['queued', 'in_progress'].includes(taskStatusOf(state))) fail('CONFLICT', 'It is at work.')
          await sleep(random.between(0, 10))
        },
        erase: (tx) => deleteTask(tx, id),
      })

    async function act(server: Server, draw: Random): Promise<unknown> {
      const { id, comparisonId } = draw.pick(attempts)
      const action = draw.pick(['start', 'start', 'stop', 'retry', 'retry', 'choose', 'choose', 'delete'])
      if (action === 'choose') return chooseAttempt(server, id, comparisonId)
      return action === 'delete' ? remove(server, id) : server.engine.command(id, { type: action, fresh: false })
    }

    async function play(server: Server, draw: Random): Promise<void> {
      for (let turn = 0; turn < 60; turn += 1) {
        await act(server, draw).catch((error: unknown) => {
          const expected = error instanceof TroupeError && ['CONFLICT', 'NOT_FOUND'].includes(error.code)
          if (!expected) violations.push(String(error))
        })
        await look()
      }
    }

    const servers: Server[] = []
    for (let place = 0; place < 3; place += 1) servers.push(await openServer(bench, { capacity, handlers }, opened))
    const attempts: { id: string; comparisonId: string }[] = []
    for (const comparisonId of [newId(), newId(), newId(), newId()]) {
      for (const { engine } of servers)
        attempts.push({ id: await addAttempt(bench, engine, comparisonId), comparisonId })
    }
    await Promise.all(servers.map((server, place) => play(server, random.fork(`server ${place}`))))
    const left = () =>
      store.read((tx) =>
        tx.all(`select 1 from effect union all select 1 from unit_task where status in ('queued', 'in_progress')`),
      )
    await expect.poll(left, { timeout: 60_000 }).toEqual([])
    await look()
    expect(violations).toEqual([])
  })
})
