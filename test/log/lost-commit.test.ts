/** A connection that is lost while a commit is answered: nobody is told whether it came through. */
import { connect, createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { expect, it } from 'vitest'
import { openSessionLog } from '../../core/log/session-log.ts'
import { openStore } from '../../core/store/open-store.ts'
import { describePostgres } from '../helpers/databases.ts'
import { deps, openSample } from '../store/sample.ts'
import { stored } from './opened-log.ts'

/** Passes everything on, but for the answer to a commit when that is to be lost. */
async function openProxy(port: number) {
  let losing = false
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    let lost = false
    const end = () => [client, upstream].map((socket) => socket.destroy())
    client.on('data', (bytes) => {
      lost ||= losing && bytes.includes('commit')
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => (lost ? end() : client.write(bytes)))
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    lose: (value: boolean) => void (losing = value),
    [Symbol.dispose]: () => void server.close(),
  }
}

await describePostgres('a log whose connection is lost at a commit', (databases) => {
  it('skips what was committed nevertheless when it is offered again', async () => {
    await using database = await databases.create()
    await using sample = await openSample({
      ...databases,
      create: async () => ({ ...database, async [Symbol.asyncDispose]() {} }),
    })
    const url = new URL(database.options.url)
    using proxy = await openProxy(Number(url.port))
    url.port = String(proxy.port)
    await using store = await openStore({ driver: 'postgresql', url: url.href }, deps)
    await using log = openSessionLog({ ...deps, store })
    const sessionId = await sample.addSessionId()
    const drafts = ['a', 'b'].map(
      (content) => ({ type: 'text', json: JSON.stringify({ type: 'text', content }) }) as const,
    )
    const batch = { sessionId, firstSeq: 1, at: 0, drafts }
    proxy.lose(true)
    await expect(log.append(batch)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    proxy.lose(false)
    expect(await stored(sample.store, sessionId)).toEqual([1, 2])
    await log.append(batch)
    await log.append({ ...batch, firstSeq: 3 })
    expect(await stored(sample.store, sessionId)).toEqual([1, 2, 3, 4])
  })
})
