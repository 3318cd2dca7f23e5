import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { silentLogger } from '../../core/base/logger.ts'
import { mapped } from '../../core/store/driver-errors.ts'
import { openStore } from '../../core/store/open-store.ts'
import { clientOptions, inTransaction, openPool, POSTGRES_BOUNDS } from '../../core/store/postgres-pool.ts'
import { describePostgres } from '../helpers/databases.ts'
import { deps } from './sample.ts'

/** Passes everything on until it falls silent, as a machine does that is cut off. */
async function openProxy(port: number) {
  let silent = false
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    const end = () => [client, upstream].map((socket) => socket.destroy())
    client.on('data', (bytes) => silent || upstream.write(bytes))
    upstream.on('data', (bytes) => silent || client.write(bytes))
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    fallSilent: () => void (silent = true),
    [Symbol.dispose]: () => void server.close(),
  }
}

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

  it('that is gone without a word is STORE_FAILED', async () => {
    await using database = await databases.create()
    const url = new URL(database.options.url)
    using proxy = await openProxy(Number(url.port))
    url.port = String(proxy.port)
    await using resources = new AsyncDisposableStack()
    const bounded = { ...clientOptions(url.href), query_timeout: 200 }
    const pool = resources.adopt(openPool(bounded, silentLogger), (open) => open.end())
    const work = inTransaction(pool, async (client) => {
      proxy.fallSilent()
      await client.query('select 1')
    })
    await expect(mapped(work)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    expect(POSTGRES_BOUNDS.query_timeout).toBeGreaterThan(POSTGRES_BOUNDS.statement_timeout)
  })
})
