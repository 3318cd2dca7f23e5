import { expect, it } from 'vitest'
import { openStore } from '../../core/store/open-store.ts'
import { describePostgres } from '../helpers/databases.ts'
import { deps } from './sample.ts'

await describePostgres('a database server', (databases) => {
  it('that is not there is STORE_FAILED', async () => {
    const url = 'postgresql://postgres:secret@127.0.0.1:1/troupe'
    const opening = openStore({ driver: 'postgresql', url }, deps)
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_FAILED',
      message: expect.not.stringContaining('secret'),
    })
  })

  it('that refuses the password, or has no such database, is STORE_FAILED', async () => {
    await using database = await databases.create()
    const change = (set: (url: URL) => void) => {
      const url = new URL(database.options.url)
      set(url)
      return openStore({ driver: 'postgresql', url: url.href }, deps)
    }
    await expect(change((url) => (url.password = 'wrong'))).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await expect(change((url) => (url.pathname = '/missing'))).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })
})
