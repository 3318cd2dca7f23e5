import { expect, it } from 'vitest'
import {
  getMessageBody,
  insertMessageBody,
  insertMessages,
  lastSeq,
  type NewMessage,
  readMessages,
} from '../../core/store/messages.ts'
import { deleteProgress, getProgress, setProgress } from '../../core/store/progress.ts'
import { describeEachDatabase } from '../helpers/databases.ts'
import { noId, openSample } from './sample.ts'

const at = '2026-01-01T00:00:00.123Z'
const message = (sessionId: string, seq: number, content = `${seq}`): NewMessage => {
  return { sessionId, seq, type: 'text', at, body: JSON.stringify({ type: 'text', content }) }
}

await describeEachDatabase('messages', (databases) => {
  it('of several sessions are inserted at once and read back in order, whatever they hold', async () => {
    await using sample = await openSample(databases)
    const [a, b] = [await sample.addSessionId(), await sample.addSessionId()]
    const nasty = ['"\\\n', '\u0000', '🎭 \ud800', '{}', "'; drop table message; --", '', '{"a",NULL}']
    const many = Array.from({ length: 150 }, (_, index) => message(a, index + 1, nasty[index] ?? `${index}`))
    await sample.store.transaction((tx) => insertMessages(tx, [...many, message(b, 1)]))
    const page = await sample.store.read((tx) => readMessages(tx, { sessionId: a, after: 0, limit: 1000 }))
    expect(page.map((entry) => entry.seq)).toEqual(many.map((one) => one.seq))
    const parsed: unknown[] = page.map((entry) => JSON.parse(entry.json))
    expect(parsed).toEqual(many.map(({ seq, body }) => ({ sessionId: a, seq, at, ...JSON.parse(body) })))
    expect(page[0]?.json.startsWith(`{"sessionId":"${a}","seq":1,"at":"${at}","type":"text"`)).toBe(true)
    expect(await sample.store.read((tx) => lastSeq(tx, a))).toBe(150)
    expect(await sample.store.read((tx) => lastSeq(tx, b))).toBe(1)
    expect(await sample.store.read((tx) => lastSeq(tx, noId))).toBe(0)
  })

  it('cannot have the same number twice', async () => {
    await using sample = await openSample(databases)
    const id = await sample.addSessionId()
    const insert = (seq: number) => sample.store.transaction((tx) => insertMessages(tx, [message(id, seq)]))
    await insert(1)
    await expect(insert(1)).rejects.toMatchObject({ code: 'CONFLICT' })
  })

  it('are read in pages that are bounded in number and bytes, but never empty', async () => {
    await using sample = await openSample(databases)
    const id = await sample.addSessionId()
    await sample.store.transaction((tx) =>
      insertMessages(
        tx,
        [1, 2, 3, 4].map((seq) => message(id, seq, 'ü'.repeat(500))),
      ),
    )
    const read = async (page: { after: number; limit: number; maxBytes?: number }) =>
      (await sample.store.read((tx) => readMessages(tx, { sessionId: id, ...page }))).map((entry) => entry.seq)
    expect(await read({ after: 1, limit: 2 })).toEqual([2, 3])
    expect(await read({ after: 0, limit: 10, maxBytes: 1 })).toEqual([1])
    expect(await read({ after: 0, limit: 10, maxBytes: 1500 })).toEqual([1, 2])
    expect(await read({ after: 4, limit: 10 })).toEqual([])
  })

  it('with a body stored aside show its size and give it on demand', async () => {
    await using sample = await openSample(databases)
    const id = await sample.addSessionId()
    const body = JSON.stringify({ type: 'text', content: 'whole' })
    await sample.store.transaction(async (tx) => {
      await insertMessages(tx, [{ ...message(id, 1, 'wh'), fullBytes: 70_000 }, message(id, 2)])
      await insertMessageBody(tx, { sessionId: id, seq: 1, body })
    })
    const [first, second] = await sample.store.read((tx) => readMessages(tx, { sessionId: id, after: 0, limit: 9 }))
    expect(JSON.parse(first?.json ?? '')).toEqual({
      sessionId: id,
      seq: 1,
      at,
      fullBytes: 70_000,
      type: 'text',
      content: 'wh',
    })
    expect(JSON.parse(second?.json ?? '')).not.toHaveProperty('fullBytes')
    const bodyOf = (seq: number) => sample.store.read((tx) => getMessageBody(tx, { sessionId: id, seq }))
    expect([await bodyOf(1), await bodyOf(2), await bodyOf(3)]).toEqual([body, message(id, 2).body, undefined])
  })
})

await describeEachDatabase('the progress of a session', (databases) => {
  it('is the last that was set', async () => {
    await using sample = await openSample(databases)
    const sessionId = await sample.addSessionId()
    const progress = () => sample.store.read((tx) => getProgress(tx, sessionId))
    expect(await progress()).toBeUndefined()
    for (const text of ['{"offset":1}', '{"offset":2}']) {
      await sample.store.transaction((tx) => setProgress(tx, { sessionId, progress: text }))
      expect(await progress()).toBe(text)
    }
    expect(await sample.store.transaction((tx) => deleteProgress(tx, [sessionId]))).toBe(1)
    expect(await progress()).toBeUndefined()
  })
})
