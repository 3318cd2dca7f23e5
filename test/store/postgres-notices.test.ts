import { expect, it } from 'vitest'
import { describePostgres } from '../helpers/databases.ts'
import { openSample } from './sample.ts'

await describePostgres('announcements between servers', (databases) => {
  it('come after the commit, once, to the other servers only', async () => {
    await using sample = await openSample(databases)
    await using other = await sample.reopen()
    const heard = { here: [] as (string | undefined)[], there: [] as (string | undefined)[] }
    using _here = sample.store.onAnnounce('log', (text) => heard.here.push(text))
    using _there = other.onAnnounce('log', (text) => heard.there.push(text))
    await expect.poll(() => heard).toEqual({ here: [undefined], there: [undefined] })
    await sample.store
      .transaction(async (tx) => {
        await tx.announce('log', 'undone')
        throw new Error('undone')
      })
      .catch(() => {})
    await sample.store.transaction(async (tx) => {
      await tx.announce('change', 'of another topic')
      await tx.announce('log', 'a text')
      await tx.announce('log', 'a text')
      expect(heard.there).toEqual([undefined])
    })
    await expect.poll(() => heard.there).toEqual([undefined, 'a text'])
    expect(heard.here).toEqual([undefined])
  })

  it('may have been missed when the connection was lost: listeners are told to read anew', async () => {
    await using sample = await openSample(databases)
    const heard: (string | undefined)[] = []
    using _listener = sample.store.onAnnounce('log', (text) => heard.push(text))
    await expect.poll(() => heard).toEqual([undefined])
    await sample.store.read((tx) =>
      tx.all(`select pg_terminate_backend(pid) from pg_stat_activity where query like 'listen%'`),
    )
    await expect.poll(() => heard).toEqual([undefined, undefined])
  })
})
