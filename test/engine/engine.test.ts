import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { sleep } from '../../core/base/waiting.ts'
import type { EngineDeps } from '../../core/engine/engine.ts'
import { getActor, insertActor } from '../../core/store/actors.ts'
import { addEffects } from '../../core/store/effects.ts'
import { getQuestion } from '../../core/store/questions.ts'
import { getSession } from '../../core/store/sessions.ts'
import { describeEachDatabase } from '../helpers/databases.ts'
import { makeTestClock, openWorkbench } from './workbench.ts'

const MINUTE = 60_000
/** A lease so short that an engine that says nothing is taken for dead soon. */
const bounds = { leaseMs: 300 }

await describeEachDatabase('the engine', (databases) => {
  test('commits snapshot, row, effects and journal together, then runs the effects', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine()
    const id = await bench.addTask(engine)
    await engine.command(id, { type: 'start' })
    expect(await bench.task(id)).toMatchObject({ status: 'queued', waitingFor: 'worker' })
    await engine.idle()
    expect(bench.noted).toMatchObject([{ type: 'requestWorker', params: { taskId: id } }])
    expect(await bench.sample.store.read((tx) => tx.all('select id from effect'))).toEqual([])
  })

  test('refuses what the status does not allow, names what is possible, and changes nothing', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine()
    const id = await bench.addTask(engine)
    const before = await bench.sample.store.read((tx) => getActor(tx, id))
    await expect(engine.command(id, { type: 'approve' })).rejects.toMatchObject({
      code: 'CONFLICT',
      message: expect.stringMatching(/task is draft.*"approve" is not possible.*start/),
      details: { status: 'draft', allowed: ['start', 'edit the prompt', 'stop'] },
    })
    expect(await bench.sample.store.read((tx) => getActor(tx, id))).toEqual(before)
    await expect(engine.command(newId(), { type: 'start' })).rejects.toMatchObject({ code: 'NOT_FOUND' })
  })

  test('makes all of several actors or none', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine()
    const before = await bench.sample.store.read((tx) => tx.all('select id from actor'))
    const actor = (id: string) => ({ machine: 'unitTask' as const, id, input: { taskId: id, prompt: 'x', totalMs: 0 } })
    const task = await bench.sample.addTask()
    // The second has the id of the first.
    await expect(engine.spawn([task.id, task.id].map(actor), async () => {})).rejects.toMatchObject({
      code: 'CONFLICT',
    })
    expect(await bench.sample.store.read((tx) => tx.all('select id from actor'))).toEqual(before)
    const other = await bench.sample.addTask()
    await engine.spawn([task.id, other.id].map(actor), async () => {})
    for (const { id } of [task, other]) await engine.command(id, { type: 'start' })
    await engine.idle()
    expect(bench.noted.map(({ params }) => params)).toEqual(
      expect.arrayContaining([task, other].map(({ id }) => ({ taskId: id }))),
    )
  })

  test('makes a session in the same commit that assigns its task', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine()
    const id = await bench.addTask(engine)
    await engine.command(id, { type: 'start' })
    const sessionId = newId()
    await engine.tell(id, { type: 'assign', sessionId, workerId: bench.sample.workerId })
    const session = await bench.sample.store.read((tx) => getSession(tx, sessionId))
    expect(session).toMatchObject({ unitTaskId: id, status: 'assigned', workerId: bench.sample.workerId })
    expect(await bench.task(id)).toMatchObject({ status: 'in_progress', sessionId })
    await engine.idle()
    // Effects of different actors run side by side, so it need not be the last one.
    expect(bench.noted).toContainEqual(expect.objectContaining({ type: 'startSession', params: { sessionId } }))
  })

  test('takes what an effect leads to at once in the commit of its step, and does not run the effect', async () => {
    await using bench = await openWorkbench(databases)
    const sessionId = newId()
    const { workerId } = bench.sample
    const settle: EngineDeps['settle'] = async (_tx, { type }) =>
      type === 'requestWorker' ? { type: 'assign', sessionId, workerId } : undefined
    const engine = bench.engine({}, { settle })
    const id = await bench.addTask(engine)
    const seen: Promise<string>[] = []
    using _listener = engine.onChange(() => seen.push(bench.task(id).then(({ status }) => status)))
    await engine.command(id, { type: 'start' })
    expect(await bench.task(id)).toMatchObject({ status: 'in_progress', sessionId })
    await engine.idle()
    expect(bench.noted).toMatchObject([{ type: 'startSession', params: { sessionId } }])
    const statuses = await Promise.all(seen)
    expect(statuses).toContain('in_progress')
    expect(statuses).not.toContain('queued')
  })

  test('changes nothing when what an effect leads to cannot be taken', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine({}, { settle: async () => ({ type: 'approve' }) })
    const id = await bench.addTask(engine)
    await expect(engine.command(id, { type: 'start' })).rejects.toMatchObject({ code: 'INTERNAL' })
    expect((await bench.task(id)).status).toBe('draft')
  })

  test('takes an event that is offered only if the transaction allows it', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine()
    const id = await bench.addTask(engine)
    expect(await engine.offer(id, { type: 'start' }, async () => false)).toBe(false)
    expect((await bench.task(id)).status).toBe('draft')
    expect(await engine.offer(id, { type: 'start' }, async () => true)).toBe(true)
    expect((await bench.task(id)).status).toBe('queued')
  })

  test('carries a question from the session to its answer', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine()
    const id = await bench.addTask(engine)
    const [sessionId, questionId] = [newId(), newId()]
    await engine.command(id, { type: 'start' })
    await engine.tell(id, { type: 'assign', sessionId, workerId: bench.sample.workerId })
    await engine.tell(sessionId, { type: 'started' })
    await engine.tell(sessionId, { type: 'asked', question: { questionId, kind: 'question', question: 'which?' } })
    await engine.idle()
    expect(await bench.task(id)).toMatchObject({ status: 'in_progress', waitingFor: 'input' })
    await engine.command(sessionId, { type: 'answered', questionId, answer: 'blue', by: 'local' })
    await engine.idle()
    expect(await bench.sample.store.read((tx) => getQuestion(tx, questionId))).toMatchObject({
      status: 'answered',
      answer: 'blue',
    })
    expect((await bench.task(id)).waitingFor).toBeUndefined()
    expect(bench.noted.at(-1)).toMatchObject({ type: 'deliverAnswer', params: { questionId, answer: 'blue' } })
  })

  test('records the answer to a question that a lost session left, and withdraws it when the task is stopped', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine()
    for (const event of [{ type: 'answered', answer: 'blue', by: 'local' }, { type: 'stop' }]) {
      const id = await bench.addTask(engine)
      const [sessionId, questionId] = [newId(), newId()]
      await engine.command(id, { type: 'start' })
      await engine.tell(id, { type: 'assign', sessionId, workerId: bench.sample.workerId })
      await engine.tell(sessionId, { type: 'asked', question: { questionId, kind: 'question', question: 'which?' } })
      await engine.tell(sessionId, { type: 'preparing' })
      await engine.tell(sessionId, { type: 'asked', question: { questionId, kind: 'question', question: 'which?' } })
      await engine.tell(sessionId, { type: 'ended', outcome: 'lost' })
      await engine.idle()
      await engine.command(id, { ...event, questionId })
      const question = await bench.sample.store.read((tx) => getQuestion(tx, questionId))
      expect(question?.status).toBe(event.type === 'stop' ? 'withdrawn' : 'answered')
      expect(question?.answer).toBe(event.type === 'stop' ? undefined : 'blue')
    }
  })

  test('takes an event with the same id once (E3)', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine()
    const id = await bench.addTask(engine)
    const eventId = newId()
    expect(await engine.tell(id, { type: 'start' }, eventId)).toBe(true)
    const { version } = (await bench.sample.store.read((tx) => getActor(tx, id)))!
    expect(await engine.tell(id, { type: 'start' }, eventId)).toBe(true)
    expect((await bench.sample.store.read((tx) => getActor(tx, id)))!.version).toBe(version)
  })

  test('handles events of one actor in their order, one at a time (E1)', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine()
    const id = await bench.addTask(engine)
    const events = ['start', 'stop', 'reject'].map((type) => engine.command(id, { type }))
    await Promise.all(events)
    expect((await bench.task(id)).status).toBe('rejected')
  })

  test('lets two engines on one database step one actor without losing an event', async () => {
    await using bench = await openWorkbench(databases)
    const [one, two] = [bench.engine(), bench.engine()]
    const id = await bench.addTask(one)
    const round = async (engine: typeof one) => {
      for (let turn = 0; turn < 10; turn += 1) await engine.tell(id, { type: 'editPrompt', prompt: String(turn) })
    }
    await Promise.all([round(one), round(two)])
    // One for its making, then one a step.
    expect((await bench.sample.store.read((tx) => getActor(tx, id)))!.version).toBe(21)
  })

  test('tells listeners after the commit only (E6)', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine()
    const id = await bench.addTask(engine)
    const seen: Promise<string>[] = []
    using _listener = engine.onChange(({ taskId }) => seen.push(bench.task(taskId).then((task) => task.status)))
    await engine.command(id, { type: 'start' })
    expect((await Promise.all(seen)).at(-1)).toBe('queued')
  })

  test('tries an effect that fails again, and keeps the order of one actor', async () => {
    await using bench = await openWorkbench(databases)
    let tries = 0
    const done: string[] = []
    const engine = bench.engine({
      requestWorker: async () => {
        tries += 1
        if (tries < 3) throw new Error('not yet')
        done.push('requestWorker')
      },
      startSession: async () => void done.push('startSession'),
    })
    const id = await bench.addTask(engine)
    await engine.command(id, { type: 'start' })
    await engine.idle()
    expect({ tries, done }).toEqual({ tries: 3, done: ['requestWorker'] })
  })

  test('dispatches at the next start what a crash left undone (E4)', async () => {
    await using bench = await openWorkbench(databases)
    const crash = Promise.withResolvers<void>()
    const crashed = bench.engine({ requestWorker: () => crash.promise }, { clock: makeTestClock(), bounds })
    const id = await bench.addTask(crashed)
    await crashed.command(id, { type: 'start' })
    const restarted = bench.engine({}, { bounds })
    await expect
      .poll(() => restarted.recover().then(() => bench.noted))
      .toMatchObject([{ type: 'requestWorker', params: { taskId: id } }])
    await restarted.idle()
    crash.resolve()
    await crashed.idle()
    expect(bench.noted).toHaveLength(1)
  })

  test('runs only so many effects at once, and in the end all that an earlier start left', async () => {
    await using bench = await openWorkbench(databases)
    const { store } = bench.sample
    const ids = Array.from({ length: 400 }, () => newId())
    await store.transaction(async (tx) => {
      for (const id of ids) {
        await insertActor(tx, { id, machine: 'unitTask', machineVersion: 1, snapshot: '{}' })
        await addEffects(tx, id, [{ id: newId(), type: 'requestWorker', params: { taskId: id } }])
      }
    })
    const atWork = { now: 0, most: 0 }
    const handled = new Set<string>()
    const engine = bench.engine({
      async requestWorker({ taskId }) {
        atWork.most = Math.max(atWork.most, (atWork.now += 1))
        await new Promise((resolve) => setImmediate(resolve))
        atWork.now -= 1
        handled.add(taskId)
      },
    })
    await engine.recover()
    await engine.idle()
    expect(handled).toEqual(new Set(ids))
    expect(atWork.most).toBeLessThanOrEqual(100)
    expect(await store.read((tx) => tx.all('select id from effect'))).toEqual([])
  })

  test('tells the handler of an effect that takes too long, and tries it again when that one has ended', async () => {
    await using bench = await openWorkbench(databases)
    const signals: AbortSignal[] = []
    const engine = bench.engine(
      {
        async requestWorker(_params, { signal }) {
          if (signals.push(signal) === 1) await once(signal, 'abort').then(() => Promise.reject(signal.reason))
        },
      },
      { bounds: { effectMs: 50 } },
    )
    const id = await bench.addTask(engine)
    await engine.command(id, { type: 'start' })
    await engine.idle()
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, false])
    expect(signals[0]?.reason).toMatchObject({ code: 'TIMEOUT' })
  })

  test('never runs an effect beside itself, though its handler does not heed its bound', async () => {
    await using bench = await openWorkbench(databases)
    const begun: string[] = []
    const again = Promise.withResolvers<void>()
    const engine = bench.engine(
      {
        async requestWorker(_params, { id }) {
          if (begun.push(id) > 1) return again.resolve()
          // Far longer than it takes to try again.
          await Promise.race([again.promise, sleep(500)])
        },
      },
      { bounds: { effectMs: 10 } },
    )
    const id = await bench.addTask(engine)
    await engine.command(id, { type: 'start' })
    await engine.idle()
    expect(begun).toHaveLength(1)
  })

  test('needs no journal of an actor that takes no event any more', async () => {
    await using bench = await openWorkbench(databases)
    const engine = bench.engine()
    const id = await bench.addTask(engine)
    const sessionId = newId()
    await engine.command(id, { type: 'start' })
    await engine.tell(id, { type: 'assign', sessionId, workerId: bench.sample.workerId })
    await engine.tell(sessionId, { type: 'ended', outcome: 'completed' }, 'the-end')
    await engine.idle()
    expect(await engine.tell(sessionId, { type: 'ended', outcome: 'completed' }, 'the-end')).toBe(false)
    const rows = await bench.sample.store.read((tx) => tx.all('select actor_id as id from journal_entry'))
    expect(rows).toEqual([{ id }, { id }, { id }])
  })

  describe('deadlines', () => {
    async function stoppingSession(
      bench: Awaited<ReturnType<typeof openWorkbench>>,
      engine: ReturnType<typeof bench.engine>,
    ) {
      const id = await bench.addTask(engine)
      const sessionId = newId()
      await engine.command(id, { type: 'start' })
      await engine.tell(id, { type: 'assign', sessionId, workerId: bench.sample.workerId })
      await engine.command(id, { type: 'stop' })
      await engine.idle()
      return { id, sessionId }
    }

    test('fire when they are due, also in another process than the one that set them', async () => {
      await using bench = await openWorkbench(databases)
      const clock = makeTestClock(Date.now())
      const engine = bench.engine({}, { clock })
      const { id, sessionId } = await stoppingSession(bench, engine)
      const later = bench.engine({}, { clock: makeTestClock(Date.now() + 3 * 60_000) })
      await later.recover()
      await later.idle()
      const session = await bench.sample.store.read((tx) => getSession(tx, sessionId))
      expect(session).toMatchObject({ status: 'failed', error: { code: 'PROCESS_LEFT' } })
      expect((await bench.task(id)).status).toBe('stopped')
    })

    test('fire at once when the clock is set forward, and after their own delay when it is set back', async () => {
      for (const jump of [24 * 3_600_000, -24 * 3_600_000]) {
        const clock = makeTestClock(Date.now())
        await using bench = await openWorkbench(databases, clock)
        const engine = bench.engine({}, { clock })
        const { sessionId } = await stoppingSession(bench, engine)
        await engine.recover()
        const status = async () => (await bench.sample.store.read((tx) => getSession(tx, sessionId)))?.status
        clock.jump(jump)
        expect(await status()).toBe('stopping')
        const looks = jump > 0 ? [MINUTE] : [MINUTE, MINUTE, MINUTE]
        for (const ms of looks) {
          expect(await status()).toBe('stopping')
          clock.advance(ms)
          // The look that the timer began.
          await engine.recover()
        }
        expect(await status()).toBe('failed')
        await engine.idle()
      }
    })

    test('do not fire once what they bound has happened', async () => {
      await using bench = await openWorkbench(databases)
      const engine = bench.engine({}, { clock: makeTestClock(Date.now()) })
      const { sessionId } = await stoppingSession(bench, engine)
      await engine.tell(sessionId, { type: 'ended', outcome: 'stopped' })
      const later = bench.engine({}, { clock: makeTestClock(Date.now() + 3 * 60_000) })
      await later.recover()
      await later.idle()
      expect(await bench.sample.store.read((tx) => getSession(tx, sessionId))).toMatchObject({ status: 'stopped' })
    })
  })
})
