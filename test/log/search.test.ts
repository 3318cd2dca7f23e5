import { expect, it } from 'vitest'
import { insertMessages } from '../../core/store/messages.ts'
import { describeEachDatabase } from '../helpers/databases.ts'
import { numbers } from './collector.ts'
import { addLarge, at, fill } from './finished-sessions.ts'
import { openLog } from './opened-log.ts'

const { signal } = new AbortController()

await describeEachDatabase('a search in a log', (databases) => {
  it('finds text whatever its case, with any character taken as it is', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    const contents = ['Straße 100% done', 'a_b', 'say "hi" \\ there', 'two\nlines', 'ÄPFEL', 'axb', '%']
    const rows = contents.map((content, index) => ({
      sessionId: id,
      seq: index + 1,
      type: 'text' as const,
      at,
      body: JSON.stringify({ type: 'text', content }),
    }))
    await opened.store.transaction((tx) => insertMessages(tx, rows))
    const find = async (text: string) =>
      (await opened.log.search({ sessionId: id, text, after: 0, limit: 9, signal })).entries.map(({ seq }) => seq)
    expect(await find('STRASSE')).toEqual([])
    expect(await find('straße')).toEqual([1])
    expect(await find('%')).toEqual([1, 7])
    expect(await find('a_b')).toEqual([2])
    expect(await find('"HI" \\')).toEqual([3])
    expect(await find('two\nlines')).toEqual([4])
    expect(await find('äpfel')).toEqual([5])
    // Keys, types and ids are no text of a message.
    for (const text of ['content', 'type', id.slice(0, 8), '\\n', '2026']) expect(await find(text)).toEqual([])
  })

  it('looks into values at any depth, into whole bodies, and only at the types that are wanted', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    const use = {
      type: 'toolUse',
      toolUseId: '1',
      toolName: 'Bash',
      input: { list: [{ command: 'whole build' }] },
      kind: 'command',
    }
    const row = { sessionId: id, seq: 1, type: 'toolUse' as const, at, body: JSON.stringify(use) }
    await opened.store.transaction((tx) => insertMessages(tx, [row]))
    await addLarge(opened.store, id, 2)
    const find = async (text: string, types?: ('text' | 'toolUse')[]) =>
      (await opened.log.search({ sessionId: id, text, types, after: 0, limit: 9, signal })).entries.map(
        ({ seq }) => seq,
      )
    expect(await find('whole')).toEqual([1, 2])
    expect(await find('xxxxxx')).toEqual([2])
    expect(await find('whole', ['toolUse'])).toEqual([1])
    expect(await find('whole', ['text'])).toEqual([2])
  })

  it('goes on from where a call ended, until all was looked at', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    await fill(opened.store, id, 1, 5000)
    const found: number[] = []
    let calls = 0
    for (let after = 0, complete = false; !complete; calls += 1) {
      const page = await opened.log.search({ sessionId: id, text: 'NUMBER 4', after, limit: 100, signal })
      expect(page.scannedTo).toBeGreaterThanOrEqual(after)
      found.push(...page.entries.map(({ seq }) => seq))
      ;({ scannedTo: after, complete } = page)
    }
    expect(found).toEqual(numbers(1, 5000).filter((seq) => String(seq).startsWith('4')))
    expect(calls).toBe(12)
  })

  it('lets others have their turn between whole bodies', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    for (const seq of numbers(1, 20)) await addLarge(opened.store, id, seq)
    let turns = 0
    const count = () => {
      turns += 1
      next = setImmediate(count)
    }
    let next = setImmediate(count)
    await opened.log.search({ sessionId: id, text: 'nowhere', after: 0, limit: 9, signal })
    clearImmediate(next)
    expect(turns).toBeGreaterThanOrEqual(20)
  })

  it('ends when its caller goes', async () => {
    await using opened = await openLog(databases)
    const id = await opened.addSessionId()
    await fill(opened.store, id, 1, 10)
    const gone = AbortSignal.abort(new Error('gone'))
    await expect(opened.log.search({ sessionId: id, text: 'x', after: 0, limit: 9, signal: gone })).rejects.toThrow(
      'gone',
    )
  })
})
