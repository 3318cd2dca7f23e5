import { expect, it } from 'vitest'
import { type Clock, systemClock } from '../../core/base/clock.ts'
import { newId } from '../../core/base/ids.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import { lastSeq } from '../../core/store/messages.ts'
import { updateSession } from '../../core/store/sessions.ts'
import { describeEachDatabase } from '../helpers/databases.ts'
import { openSample } from '../store/sample.ts'
import { batch, collect, numbers, text } from './collector.ts'
import { intercept, openLog, stored } from './opened-log.ts'

await describeEachDatabase('subscribing to the log', (databases) => {
  it('from the beginning gives each message once and in order while more are appended', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    await opened.log.append(batch(id, 1, 700))
    const collector = collect()
    opened.log.subscribe({ sessionId: id, after: 0 }, collector)
    for (let n = 701; n < 1000; n += 3) await opened.log.append(batch(id, n, n + 2))
    await collector.reached(1000)
    expect(collector.seqs).toEqual(numbers(1, 1000))
    expect(collector.texts).toEqual(numbers(1, 1000).map(String))
  })

  it('resumes after any message', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    const other = collect()
    opened.log.subscribe({ sessionId: id, after: 0 }, other)
    await opened.log.append(batch(id, 1, 10))
    await other.reached(10)
    const collector = collect(7)
    opened.log.subscribe({ sessionId: id, after: 7 }, collector)
    await collector.reached(10)
    await opened.log.append(batch(id, 11, 12))
    await collector.reached(12)
    expect(collector.seqs).toEqual([8, 9, 10, 11, 12])
  })

  it('keeps 50 sessions apart', async () => {
    await using opened = await openLog(databases)
    const ids = await Promise.all(numbers(1, 50).map(() => opened.addSessionId()))
    const collectors = ids.map((id) => {
      const collector = collect()
      opened.log.subscribe({ sessionId: id, after: 0 }, collector)
      return collector
    })
    await Promise.all(
      ids.map(async (id) => {
        for (let n = 1; n < 40; n += 4) await opened.log.append(batch(id, n, n + 3))
      }),
    )
    await Promise.all(collectors.map((collector) => collector.reached(40)))
    expect(collectors.map((collector) => collector.seqs)).toEqual(ids.map(() => numbers(1, 40)))
  })

  it('is not slowed by another subscriber that does not take its messages', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    const stuck = collect(0, () => new Promise(() => {}))
    const quick = collect()
    opened.log.subscribe({ sessionId: id, after: 0 }, stuck)
    opened.log.subscribe({ sessionId: id, after: 0 }, quick)
    await opened.log.append(batch(id, 1, 1))
    await stuck.reached(1)
    for (let n = 2; n <= 300; n += 1) await opened.log.append(batch(id, n, n))
    await quick.reached(300)
    expect(stuck.seqs).toEqual([1])
  })

  it('catches up from the database after a pause', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    const gate = Promise.withResolvers<void>()
    const slow = collect(0, () => gate.promise)
    opened.log.subscribe({ sessionId: id, after: 0 }, slow)
    for (let n = 1; n <= 1500; n += 100) await opened.log.append(batch(id, n, n + 99))
    gate.resolve()
    await slow.reached(1500)
    expect(slow.seqs).toEqual(numbers(1, 1500))
  })

  it('gives those who keep up the same page, and a slow one its own, without a look at the database', async () => {
    await using sample = await openSample(databases)
    const counted = intercept(sample.store, () => {})
    await using log = openSessionLog({ ...counted, clock: systemClock, logger: silentLogger })
    const id = await sample.addSessionId()
    const gate = Promise.withResolvers<void>()
    const pages: [unknown[], unknown[]] = [[], []]
    const quick = pages.map((seen) => {
      const collector = collect()
      const entries: typeof collector.entries = (page) => collector.entries(page).then(() => void seen.push(page))
      log.subscribe({ sessionId: id, after: 0 }, { ...collector, entries })
      return collector
    })
    const begun = Promise.withResolvers<void>()
    const slow = collect(0, () => {
      begun.resolve()
      return gate.promise
    })
    log.subscribe({ sessionId: id, after: 0 }, slow)
    await log.append(batch(id, 1, 10))
    const within = collect(4)
    log.subscribe({ sessionId: id, after: 4 }, within)
    await Promise.all([begun.promise, ...[...quick, within].map((collector) => collector.reached(10))])
    const before = counted.reads()
    for (let n = 11; n <= 300; n += 10) await log.append(batch(id, n, n + 9))
    await Promise.all([...quick, within].map((collector) => collector.reached(300)))
    expect(pages[0].length).toBeGreaterThan(1)
    for (const [index, page] of pages[0].entries()) expect(pages[1][index]).toBe(page)
    gate.resolve()
    await slow.reached(300)
    expect(counted.reads()).toBe(before)
    expect([slow.seqs, within.seqs]).toEqual([numbers(1, 300), numbers(5, 300)])
  })

  it('goes on from the database where the last commits are no longer kept, and from them again', async () => {
    await using sample = await openSample(databases)
    const counted = intercept(sample.store, () => {})
    await using log = openSessionLog({ ...counted, clock: systemClock, logger: silentLogger })
    const id = await sample.addSessionId()
    const gate = Promise.withResolvers<void>()
    const [slow, quick] = [collect(0, () => gate.promise), collect()]
    log.subscribe({ sessionId: id, after: 0 }, slow)
    log.subscribe({ sessionId: id, after: 0 }, quick)
    await log.append(batch(id, 1, 1))
    await Promise.all([slow.reached(1), quick.reached(1)])
    const before = counted.reads()
    const large = 'x'.repeat(20_000)
    for (let n = 2; n <= 200; n += 1) await log.append({ ...batch(id, n, n), drafts: [text(large)] })
    await quick.reached(200)
    expect(counted.reads()).toBe(before)
    gate.resolve()
    await slow.reached(200)
    expect(counted.reads()).toBeGreaterThan(before)
    expect([slow.seqs, quick.seqs]).toEqual([numbers(1, 200), numbers(1, 200)])
  })

  it('ends with `slow` and where to resume when one call takes too long', async () => {
    await using opened = await openLog(databases, { slowMs: 50 })
    const id = await opened.addSessionId()
    await opened.log.append(batch(id, 1, 600))
    let calls = 0
    const stuck = collect(0, () => ((calls += 1) < 2 ? Promise.resolve() : new Promise(() => {})))
    opened.log.subscribe({ sessionId: id, after: 0 }, stuck)
    expect(await stuck.over()).toEqual({ reason: 'slow', resumeFrom: 500 })
    const resumed = collect(500)
    opened.log.subscribe({ sessionId: id, after: 500 }, resumed)
    await resumed.reached(600)
  })

  it('ends quietly when the subscriber fails, and when it leaves', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    const failing = collect(0, () => Promise.reject(new Error('gone')))
    const leaving = collect()
    const staying = collect()
    opened.log.subscribe({ sessionId: id, after: 0 }, failing)
    const subscription = opened.log.subscribe({ sessionId: id, after: 0 }, leaving)
    opened.log.subscribe({ sessionId: id, after: 0 }, staying)
    await opened.log.append(batch(id, 1, 1))
    await Promise.all([leaving.reached(1), failing.reached(1), staying.reached(1)])
    subscription[Symbol.dispose]()
    await opened.log.append(batch(id, 2, 2))
    await staying.reached(2)
    expect([failing.seqs, leaving.seqs]).toEqual([[1], [1]])
    expect([failing.ends, leaving.ends]).toEqual([[], []])
  })

  it('ends when the session is closed and everything was given', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    const gate = Promise.withResolvers<void>()
    const behind = collect(0, () => gate.promise)
    const quick = collect()
    opened.log.subscribe({ sessionId: id, after: 0 }, behind)
    opened.log.subscribe({ sessionId: id, after: 0 }, quick)
    await opened.log.append(batch(id, 1, 5))
    const last = opened.log.append(batch(id, 6, 9))
    opened.log.close(id)
    await last
    expect(await quick.over()).toEqual({ reason: 'ended', resumeFrom: 9 })
    expect(behind.ends).toEqual([])
    gate.resolve()
    expect(await behind.over()).toEqual({ reason: 'ended', resumeFrom: 9 })
    expect([quick.seqs, behind.seqs]).toEqual([numbers(1, 9), numbers(1, 9)])
  })

  it('to a session that is over gives all of it and ends', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    await opened.log.append(batch(id, 1, 1200))
    await opened.store.transaction((tx) => updateSession(tx, id, { status: 'completed', outcome: 'completed' }))
    opened.log.close(id)
    const late = collect()
    opened.log.subscribe({ sessionId: id, after: 0 }, late)
    expect(await late.over()).toEqual({ reason: 'ended', resumeFrom: 1200 })
    expect(late.seqs).toEqual(numbers(1, 1200))
    const later = collect(1200)
    opened.log.subscribe({ sessionId: id, after: 1200 }, later)
    expect(await later.over()).toEqual({ reason: 'ended', resumeFrom: 1200 })
  })

  it('ends with `failed` and where to resume when the database cannot be read', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    await opened.log.append(batch(id, 1, 1))
    await opened.store[Symbol.asyncDispose]()
    const collector = collect()
    opened.log.subscribe({ sessionId: id, after: 0 }, collector)
    expect(await collector.over()).toMatchObject({ reason: 'failed', resumeFrom: 0, error: { code: 'STORE_FAILED' } })
  })

  it('goes on although a look for one who has left fails late', async () => {
    await using sample = await openSample(databases)
    const id = await sample.addSessionId()
    const late = Promise.withResolvers<never>()
    const { store } = intercept(sample.store, () => {})
    let looks = 0
    const read: typeof store.read = (work) => ((looks += 1) === 1 ? late.promise : store.read(work))
    await using log = openSessionLog({ store: { ...store, read }, clock: systemClock, logger: silentLogger })
    log.subscribe({ sessionId: id, after: 0 }, collect())[Symbol.dispose]()
    const collector = collect()
    log.subscribe({ sessionId: id, after: 0 }, collector)
    late.reject(new Error('too late'))
    await expect.poll(() => looks).toBe(2)
    await new Promise((resolve) => setImmediate(resolve))
    await log.append(batch(id, 1, 2))
    await collector.reached(2)
  })

  it('never shows a message before it is stored', async () => {
    await using sample = await openSample(databases)
    const gate = Promise.withResolvers<void>()
    const held = intercept(sample.store, () => gate.promise)
    await using log = openSessionLog({ ...held, clock: systemClock, logger: silentLogger })
    const id = await sample.addSessionId()
    const seen: Promise<number>[] = []
    log.subscribe(
      { sessionId: id, after: 0 },
      { entries: async () => void seen.push(sample.store.read((tx) => lastSeq(tx, id))), ended() {} },
    )
    const appended = log.append(batch(id, 1, 2))
    await expect.poll(() => held.count()).toBe(1)
    expect(seen).toEqual([])
    gate.resolve()
    await appended
    await expect.poll(() => seen).toHaveLength(1)
    expect(await seen[0]).toBe(2)
  })
})

const delta = (sessionId: string, content: string) => ({
  sessionId,
  type: 'text' as const,
  content,
  delta: true as const,
})

await describeEachDatabase('live fragments', (databases) => {
  it('come between the messages where they belong, only to those who want them, and are not stored', async () => {
    await using opened = await openLog(databases)
    const { log } = opened
    const id = await opened.addSessionId()
    const [wants, wantsNot] = [collect(), collect()]
    log.subscribe({ sessionId: id, after: 0, deltas: true }, wants)
    log.subscribe({ sessionId: id, after: 0 }, wantsNot)
    await log.append(batch(id, 1, 1))
    await wants.reached(1)
    log.delta(delta(id, 'a'))
    const second = log.append(batch(id, 2, 2))
    await new Promise((resolve) => setImmediate(resolve))
    log.delta(delta(id, 'b'))
    await second
    await Promise.all([wants.reached(2), wantsNot.reached(2)])
    await expect.poll(() => wants.events).toEqual(['1', '~a', '2', '~b'])
    expect(wantsNot.events).toEqual(['1', '2'])
    expect(await stored(opened.store, id)).toEqual([1, 2])
    log.delta(delta(newId(), 'nobody listens'))
  })

  it('reach a subscriber that lags in their place, or not at all when it is past it', async () => {
    await using opened = await openLog(databases)
    const { log } = opened
    const id = await opened.addSessionId()
    const gate = Promise.withResolvers<void>()
    const lagging = collect(0, () => gate.promise)
    log.subscribe({ sessionId: id, after: 0, deltas: true }, lagging)
    await log.append(batch(id, 1, 1))
    await lagging.reached(1)
    log.delta(delta(id, 'in time'))
    await log.append(batch(id, 2, 2))
    log.delta(delta(id, 'superseded'))
    await log.append(batch(id, 3, 3))
    log.delta(delta(id, 'the newest'))
    gate.resolve()
    await lagging.reached(3)
    await expect.poll(() => lagging.events.at(-1)).toBe('~the newest')
    // 2 and 3 come in one page or in two: by then nobody needs the fragment between them.
    expect(lagging.events.filter((event) => event !== '~superseded')).toEqual([
      '1',
      '~in time',
      '2',
      '3',
      '~the newest',
    ])
    expect(lagging.events.indexOf('~superseded')).toBeLessThan(lagging.events.indexOf('3'))
  })

  it('are held only so many for a subscriber that does not take its messages', async () => {
    await using opened = await openLog(databases)
    const { log } = opened
    const id = await opened.addSessionId()
    const gate = Promise.withResolvers<void>()
    const stuck = collect(0, () => gate.promise)
    log.subscribe({ sessionId: id, after: 0, deltas: true }, stuck)
    await log.append(batch(id, 1, 1))
    await stuck.reached(1)
    for (let n = 0; n < 10_000; n += 1) log.delta(delta(id, `${n}`))
    gate.resolve()
    await expect.poll(() => stuck.events.at(-1)).toBe('~9999')
    expect(stuck.events.length).toBeLessThan(300)
  })
})

await describeEachDatabase('the memory of the log', (databases) => {
  it('holds no timer when nothing happens', async () => {
    const timers = new Set<object>()
    const clock: Clock = {
      ...systemClock,
      after(ms, call) {
        const timer = {}
        timers.add(timer)
        const inner = systemClock.after(ms, () => {
          timers.delete(timer)
          call()
        })
        return {
          [Symbol.dispose]() {
            timers.delete(timer)
            inner[Symbol.dispose]()
          },
        }
      },
    }
    await using opened = await openLog(databases, { clock })
    const id = await opened.addSessionId()
    const collector = collect()
    opened.log.subscribe({ sessionId: id, after: 0 }, collector)
    await opened.log.append(batch(id, 1, 3))
    await collector.reached(3)
    await expect.poll(() => timers.size).toBe(0)
  })
})
