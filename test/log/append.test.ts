import { expect, it } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import { getMessageBody, readMessages } from '../../core/store/messages.ts'
import { getProgress } from '../../core/store/progress.ts'
import { deleteTask } from '../../core/store/tasks.ts'
import { describeEachDatabase } from '../helpers/databases.ts'
import { noId, openSample } from '../store/sample.ts'
import { batch, codeOf, collect, numbers, text } from './collector.ts'
import { intercept, openLog, stored } from './opened-log.ts'

await describeEachDatabase('appending to the log', (databases) => {
  it('settles when the messages are stored', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    await opened.log.append(batch(id, 1, 3))
    expect(await stored(opened.store, id)).toEqual([1, 2, 3])
  })

  it('takes batches in the order of their calls, without waiting between them', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    await Promise.all(numbers(1, 40).map((n) => opened.log.append(batch(id, n * 5 - 4, n * 5))))
    expect(await stored(opened.store, id)).toEqual(numbers(1, 200))
  })

  it('refuses a batch that does not join on, naming what comes next, and harms no other', async () => {
    await using opened = await openLog(databases)
    const [a, b] = [await opened.addSessionId(), await opened.addSessionId()]
    const results = await Promise.allSettled([
      opened.log.append(batch(a, 1, 2)),
      opened.log.append(batch(a, 4, 5)),
      opened.log.append(batch(b, 1, 2)),
      opened.log.append(batch(a, 3, 3)),
    ])
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled'])
    expect(results[1]).toMatchObject({ reason: { code: 'LOG_GAP', details: { expected: 3 } } })
    expect([await stored(opened.store, a), await stored(opened.store, b)]).toEqual([
      [1, 2, 3],
      [1, 2],
    ])
  })

  it('skips what is stored already, also after a restart', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    await Promise.all([
      opened.log.append(batch(id, 1, 3)),
      opened.log.append(batch(id, 1, 3)),
      opened.log.append(batch(id, 2, 5)),
    ])
    await using restarted = openSessionLog({ store: opened.store, clock: systemClock, logger: silentLogger })
    await restarted.append(batch(id, 1, 5))
    await restarted.append(batch(id, 4, 7))
    expect(await stored(opened.store, id)).toEqual(numbers(1, 7))
    await expect(restarted.append(batch(id, 9, 9))).rejects.toMatchObject({ code: 'LOG_GAP' })
  })

  it('to a session that does not exist is NOT_FOUND and harms no other', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    const results = await Promise.allSettled([opened.log.append(batch(noId, 1, 1)), opened.log.append(batch(id, 1, 1))])
    expect(results).toMatchObject([{ status: 'rejected', reason: { code: 'NOT_FOUND' } }, { status: 'fulfilled' }])
  })

  it('stores the progress with the messages, and never an older one', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    const progress = () => opened.store.read((tx) => getProgress(tx, id))
    await opened.log.append({ ...batch(id, 1, 2), progress: '{"offset":10}' })
    await opened.log.append({ ...batch(id, 3, 2), progress: '{"offset":20}' })
    expect(await progress()).toBe('{"offset":20}')
    await opened.log.append({ ...batch(id, 1, 2), progress: '{"offset":10}' })
    await opened.log.append({ ...batch(id, 1, 0), progress: '{"offset":0}' })
    expect(await progress()).toBe('{"offset":20}')
  })

  it('gathers what comes together into few transactions', async () => {
    await using sample = await openSample(databases)
    const counted = intercept(sample.store, () => {})
    await using log = openSessionLog({ ...counted, clock: systemClock, logger: silentLogger })
    const ids = await Promise.all(numbers(1, 50).map(() => sample.addSessionId()))
    // A session that is not known yet waits for its record.
    await Promise.all(ids.map((id) => log.append(batch(id, 1, 1))))
    const before = counted.count()
    await Promise.all(ids.map((id) => log.append(batch(id, 2, 3))))
    expect(counted.count() - before).toBeLessThan(10)
    expect(await Promise.all(ids.map((id) => stored(sample.store, id)))).toEqual(ids.map(() => [1, 2, 3]))
  })

  it('writes the first batches after a rest at once, gathers those that come after, and waits for nothing with many', async () => {
    await using opened = await openLog(databases, { flushMs: 60_000 })
    const [a, b] = [await opened.addSessionId(), await opened.addSessionId()]
    for (const seq of numbers(1, 4)) await opened.log.append(batch(a, seq, seq))
    const soon = opened.log.append(batch(b, 1, 2))
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([await stored(opened.store, a), await stored(opened.store, b)]).toEqual([[1, 2, 3, 4], []])
    await opened.log.append(batch(a, 5, 700))
    await soon
    expect(await stored(opened.store, b)).toEqual([1, 2])
  })

  it('takes a flood of many sessions in several transactions', async () => {
    await using sample = await openSample(databases)
    const counted = intercept(sample.store, () => {})
    await using log = openSessionLog({ ...counted, clock: systemClock, logger: silentLogger })
    const ids = await Promise.all(numbers(1, 12).map(() => sample.addSessionId()))
    await Promise.all(ids.map((id) => log.append(batch(id, 1, 1))))
    const before = counted.count()
    const drafts = Array.from({ length: 10 }, () => text('x'.repeat(8_000)))
    await Promise.all(ids.map((id) => log.append({ ...batch(id, 2, 2), drafts })))
    expect(counted.count() - before).toBeGreaterThan(2)
    expect(counted.count() - before).toBeLessThan(12)
    expect(await Promise.all(ids.map((id) => stored(sample.store, id)))).toEqual(ids.map(() => numbers(1, 11)))
  })

  it('rejects exactly what was in a transaction that failed, and goes on', async () => {
    await using sample = await openSample(databases)
    const failing = intercept(sample.store, (count) => {
      if (count === 1) throw Object.assign(new Error('disk full'), { code: 'SQLITE_FULL' })
    })
    await using log = openSessionLog({ ...failing, clock: systemClock, logger: silentLogger })
    const [a, b] = [await sample.addSessionId(), await sample.addSessionId()]
    await expect(log.append(batch(a, 1, 2))).rejects.toThrow('disk full')
    await log.append(batch(b, 1, 2))
    await expect(log.append(batch(a, 3, 4))).rejects.toMatchObject({ code: 'LOG_GAP', details: { expected: 1 } })
    await log.append(batch(a, 1, 4))
    expect([await stored(sample.store, a), await stored(sample.store, b)]).toEqual([
      [1, 2, 3, 4],
      [1, 2],
    ])
  })

  it('rejects what was accepted after a failed batch of the same session, so that no gap is left', async () => {
    await using sample = await openSample(databases)
    const hold = Promise.withResolvers<void>()
    const failing = intercept(sample.store, (count) => (count === 1 ? hold.promise : undefined))
    await using log = openSessionLog({ ...failing, clock: systemClock, logger: silentLogger })
    const [a, b] = [await sample.addSessionId(), await sample.addSessionId()]
    const first = log.append(batch(a, 1, 2)).catch(codeOf)
    await expect.poll(() => failing.count()).toBe(1)
    const second = log.append(batch(a, 3, 4)).catch(codeOf)
    const other = log.append(batch(b, 1, 1))
    await new Promise((resolve) => setImmediate(resolve))
    hold.reject(new Error('lost'))
    expect([await first, await second, await other]).toEqual(['Error: lost', 'Error: lost', undefined])
    expect([await stored(sample.store, a), await stored(sample.store, b)]).toEqual([[], [1]])
  })

  it('to a session that was deleted meanwhile fails alone', async () => {
    await using opened = await openLog(databases)
    const task = await opened.addTask()
    const gone = (await opened.addSession(task)).id
    const id = await opened.addSessionId()
    await opened.log.append(batch(gone, 1, 1))
    await opened.store.transaction((tx) => deleteTask(tx, task.id))
    const results = await Promise.allSettled([opened.log.append(batch(gone, 2, 2)), opened.log.append(batch(id, 1, 3))])
    expect(results).toMatchObject([{ status: 'rejected', reason: { code: 'CONFLICT' } }, { status: 'fulfilled' }])
    expect(await stored(opened.store, id)).toEqual([1, 2, 3])
  })

  it('is finished by closing the log, and refused after it', async () => {
    await using opened = await openLog(databases, { flushMs: 60_000 })
    const id = await opened.addSessionId()
    const collector = collect()
    opened.log.subscribe({ sessionId: id, after: 0 }, collector)
    await opened.log.append(batch(id, 1, 1))
    const appended = opened.log.append(batch(id, 2, 2))
    await new Promise((resolve) => setTimeout(resolve, 20))
    await opened.log[Symbol.asyncDispose]()
    await appended
    expect(await stored(opened.store, id)).toEqual([1, 2])
    expect(await collector.over()).toMatchObject({ reason: 'failed', error: { code: 'ABORTED' } })
    await expect(opened.log.append(batch(id, 3, 3))).rejects.toMatchObject({ code: 'ABORTED' })
  })
})

await describeEachDatabase('a large body', (databases) => {
  it('is stored aside: the log has a preview and its size, the whole is given on demand', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    const collector = collect()
    opened.log.subscribe({ sessionId: id, after: 0 }, collector)
    const whole = text('ü'.repeat(200_000))
    await opened.log.append({ ...batch(id, 1, 1), drafts: [text('small'), whole] })
    await collector.reached(2)
    expect(collector.texts).toEqual(['small', 'ü'.repeat(2048)])
    const [, entry] = await opened.store.read((tx) => readMessages(tx, { sessionId: id, after: 0, limit: 9 }))
    expect(JSON.parse(entry?.json ?? '')).toMatchObject({
      seq: 2,
      type: 'text',
      fullBytes: Buffer.byteLength(whole.json),
    })
    expect(await opened.store.read((tx) => getMessageBody(tx, { sessionId: id, seq: 2 }))).toBe(whole.json)
  })
})
