import { expect, it } from 'vitest'
import { lastSeq } from '../../core/store/messages.ts'
import { describeEachDatabase } from '../helpers/databases.ts'
import { numbers } from './collector.ts'
import { fill } from './finished-sessions.ts'
import { openLog } from './opened-log.ts'

/** On PostgreSQL every page is a round trip. */
const LENGTHS = { sqlite: 50_000, postgresql: 20_000 }

await describeEachDatabase('a long log among others', (databases) => {
  const MESSAGES = LENGTHS[databases.driver]
  const [tenth, end] = [MESSAGES / 10, MESSAGES - 10]
  it('is read from any cursor, followed from 0 to its end, and searched, a page in memory at a time', async () => {
    await using opened = await openLog(databases)
    const [before, id, after] = [await opened.addSessionId(), await opened.addSessionId(), await opened.addSessionId()]
    await fill(opened.store, before, 1, 500)
    await fill(opened.store, id, 1, MESSAGES)
    await fill(opened.store, after, 1, 500)
    expect(await opened.store.read((tx) => lastSeq(tx, id))).toBe(MESSAGES)

    for (const cursor of [0, 1, 499, 500, MESSAGES / 2, MESSAGES - 2, MESSAGES]) {
      const page = await opened.log.page({ sessionId: id, after: cursor, limit: 3 })
      expect(page.map(({ seq }) => seq)).toEqual(numbers(cursor + 1, Math.min(cursor + 3, MESSAGES)))
    }

    let next = 1
    let largest = 0
    const done = Promise.withResolvers<unknown>()
    opened.log.subscribe(
      { sessionId: id, after: 0 },
      {
        async entries(entries) {
          largest = Math.max(largest, entries.length)
          for (const { seq, json } of entries) {
            if (seq !== next || !json.includes(`"content":"message number ${seq} `))
              done.reject(new Error(`${next}: ${json}`))
            next += 1
          }
          if (next > MESSAGES) done.resolve('all')
        },
        ended: done.reject,
      },
    )
    expect(await done.promise).toBe('all')
    expect(largest).toBeLessThanOrEqual(500)

    const { signal } = new AbortController()
    const found = await opened.log.search({ sessionId: id, text: `Number ${tenth - 1}`, after: 0, limit: 100, signal })
    expect(found.entries.map(({ seq }) => seq)).toEqual([tenth - 1, ...numbers(end, MESSAGES - 1)])
    expect(found).toMatchObject({ scannedTo: MESSAGES, complete: true })
  })
})
