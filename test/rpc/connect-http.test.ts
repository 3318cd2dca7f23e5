/** What a client over HTTP makes of answers that are no JSON-RPC. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { expect, it } from 'vitest'
import { connectHttp } from '../../core/rpc/client/connect-http.ts'
import { makeTestRouter } from './table.ts'
import { serve } from './transports.ts'

it('tells a refusal of the host by its code', async () => {
  await using served = await serve(makeTestRouter(), { bodyBytes: 100 })
  await using stranger = connectHttp(served.url)
  await expect(stranger.request('get_data', {})).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})

it('tells a server that is not a host of ours', async () => {
  const server = createServer((_request, response) => response.writeHead(200).end('<html>'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  await using client = connectHttp(`http://127.0.0.1:${port}`)
  await expect(client.request('get_data', {})).rejects.toMatchObject({
    code: 'HOST_UNREACHABLE',
    message: expect.stringContaining('not a Troupe host'),
  })
  server.closeAllConnections()
  server.close()
})

it('tells a host that is not there', async () => {
  await using client = connectHttp('http://127.0.0.1:1')
  await expect(client.request('get_data', {})).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
})
