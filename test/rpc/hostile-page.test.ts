/** What a web page, or a program without the token, can do to the loopback port: nothing. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { headOf, rawRequest, readAnswer, type RawRequest } from './raw-http.ts'
import { makeTestRouter, newWitness } from './table.ts'
import { serve, TOKEN, type Served } from './transports.ts'

const witness = newWitness()
const CALL = '{"jsonrpc":"2.0","id":1,"method":"update","params":{"values":[1]}}'
const BEARER = { Authorization: `Bearer ${TOKEN}` }
const JSON_TYPE = { 'Content-Type': 'application/json' }

let served: Served
beforeAll(async () => {
  served = await serve(makeTestRouter(witness), { bodyBytes: 10_000, frameBytes: 10_000 })
})
afterAll(() => served[Symbol.asyncDispose]())
beforeEach(() => witness.updates.splice(0))

const ask = (request: RawRequest) => rawRequest({ port: served.port }, request)
const good = (request: RawRequest = {}): RawRequest => ({
  body: CALL,
  ...request,
  headers: { ...JSON_TYPE, ...BEARER, ...request.headers },
})
const codeIn = (body: string): unknown => JSON.parse(body)?.error?.code

describe('a POST to /rpc', () => {
  it('is answered with the token, the right host and the right type', async () => {
    expect(await ask(good())).toMatchObject({ status: 200 })
    expect(witness.updates).toEqual([[1]])
  })

  it.each([
    ['a foreign Host, as after DNS rebinding', { Host: 'evil.example' }, 403, 'FORBIDDEN'],
    ['a foreign Host with our port', { Host: 'evil.example:PORT' }, 403, 'FORBIDDEN'],
    ['our name with another port', { Host: '127.0.0.1:1' }, 403, 'FORBIDDEN'],
    ['our name as the beginning of another', { Host: '127.0.0.1:PORT.evil.example' }, 403, 'FORBIDDEN'],
    ['an empty Host', { Host: '' }, 403, 'FORBIDDEN'],
    ['a foreign Origin', { Origin: 'http://evil.example' }, 403, 'FORBIDDEN'],
    ['the Origin of a page on another port', { Origin: 'http://127.0.0.1:1' }, 403, 'FORBIDDEN'],
    ['our Origin by https', { Origin: 'https://127.0.0.1:PORT' }, 403, 'FORBIDDEN'],
    ['the Origin null of a sandboxed frame', { Origin: 'null' }, 403, 'FORBIDDEN'],
    ['Sec-Fetch-Site: cross-site', { 'Sec-Fetch-Site': 'cross-site' }, 403, 'FORBIDDEN'],
    ['Sec-Fetch-Site: same-site', { 'Sec-Fetch-Site': 'same-site' }, 403, 'FORBIDDEN'],
    ['text/plain', { 'Content-Type': 'text/plain' }, 415, 'MEDIA_TYPE'],
    ['the type of a form', { 'Content-Type': 'application/x-www-form-urlencoded' }, 415, 'MEDIA_TYPE'],
    ['text/plain that mentions JSON', { 'Content-Type': 'text/plain; application/json' }, 415, 'MEDIA_TYPE'],
    ['another character set', { 'Content-Type': 'application/json; charset=utf-7' }, 415, 'MEDIA_TYPE'],
    ['a compressed body', { 'Content-Encoding': 'gzip' }, 415, 'MEDIA_TYPE'],
    ['a wrong token', { Authorization: 'Bearer wrong' }, 401, 'UNAUTHENTICATED'],
    ['a token that begins right', { Authorization: `Bearer ${TOKEN}x` }, 401, 'UNAUTHENTICATED'],
    ['no token', { Authorization: '' }, 401, 'UNAUTHENTICATED'],
    ['another kind of authorization', { Authorization: `Basic ${TOKEN}` }, 401, 'UNAUTHENTICATED'],
    ['the cookie of another port', { Authorization: '', Cookie: `troupe-1=${TOKEN}` }, 401, 'UNAUTHENTICATED'],
  ])('is refused with %s', async (_what, headers, status, code) => {
    const atPort = Object.entries(headers).map(([name, value]) => [name, value.replace('PORT', String(served.port))])
    const answer = await ask(good({ headers: Object.fromEntries(atPort) }))
    expect(answer).toMatchObject({ status, headers: { 'content-type': 'application/json; charset=utf-8' } })
    expect(codeIn(answer.body)).toBe(code)
    expect(witness.updates).toEqual([])
  })

  it('is refused with two Host headers', async () => {
    const head = headOf(good(), `127.0.0.1:${served.port}`).replace('\r\n', `\r\nHost: evil.example\r\n`)
    const socket = connect(served.port, '127.0.0.1')
    socket.write(head + CALL)
    const answer = await readAnswer(socket)
    expect([400, 403]).toContain(answer.status)
    expect(witness.updates).toEqual([])
    socket.destroy()
  })

  it('is refused with the token in its query', async () => {
    const answer = await ask(good({ path: `/rpc?token=${TOKEN}`, headers: { Authorization: '' } }))
    expect(answer.status).toBe(401)
  })

  it('is answered for a page of our own', async () => {
    const headers = {
      Origin: served.url,
      'Sec-Fetch-Site': 'same-origin',
      Authorization: '',
      Cookie: `a=b; troupe-${served.port}=${TOKEN}`,
    }
    expect(await ask(good({ headers }))).toMatchObject({ status: 200 })
  })

  it.each(['localhost', '[::1]', 'LOCALHOST'])('is answered under the name %s', async (name) => {
    expect(await ask(good({ headers: { Host: `${name}:${served.port}` } }))).toMatchObject({ status: 200 })
  })
})

describe('any answer', () => {
  it.each([
    ['a result', good()],
    ['a refusal', { body: CALL }],
    [
      'a preflight',
      { method: 'OPTIONS', headers: { Origin: 'http://evil.example', 'Access-Control-Request-Method': 'POST' } },
    ],
    ['health', { method: 'GET', path: '/health' }],
  ] satisfies [string, RawRequest][])('lets no other page read it: %s', async (_what, request) => {
    const { headers } = await ask(request)
    expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
    })
  })
})

describe('the paths', () => {
  it.each([
    ['GET', '/rpc', 405, 'POST'],
    ['PUT', '/rpc', 405, 'POST'],
    ['OPTIONS', '/rpc', 405, 'POST'],
    ['POST', '/health', 405, 'GET, HEAD'],
    ['DELETE', '/openrpc.json', 405, 'GET, HEAD'],
  ])('answer %s %s with %i and what they allow', async (method, path, status, allow) => {
    const answer = await ask({ method, path, headers: BEARER })
    expect(answer).toMatchObject({ status, headers: { allow } })
    expect(codeIn(answer.body)).toBe('HTTP_METHOD')
  })

  it.each(['/', '/nothing', '/rpc/', '/../etc/passwd', '//evil.example/', '/%00', '/ws'])(
    'have nothing at %s',
    async (path) => {
      const answer = await ask({ method: 'GET', path, headers: BEARER })
      expect(answer.status).toBe(404)
      expect(codeIn(answer.body)).toBe('NOT_FOUND')
    },
  )

  it.each(['http://evil.example/rpc', '*'])('refuse the target %s', async (path) => {
    const answer = await ask({ method: 'OPTIONS', path, headers: BEARER })
    expect(answer.status).toBe(400)
  })

  it('give the OpenRPC document to who has the token only', async () => {
    expect(await ask({ method: 'GET', path: '/openrpc.json' })).toMatchObject({ status: 401 })
    const { status, body } = await ask({ method: 'GET', path: '/openrpc.json', headers: BEARER })
    expect(status).toBe(200)
    expect(JSON.parse(body)).toMatchObject({ openrpc: '1.3.2' })
  })
})

const visit = (path: string, headers: Record<string, string> = {}) => ask({ method: 'GET', path, headers })

describe('the printed address', () => {
  it('takes the token into a cookie that no script reads and no other site sends, and out of the address', async () => {
    const { status, headers, body } = await visit(`/?token=${TOKEN}`)
    expect(status).toBe(303)
    expect(headers['location']).toBe('/')
    expect(headers['set-cookie']).toBe(`troupe-${served.port}=${TOKEN}; HttpOnly; SameSite=Strict; Path=/`)
    expect(body).toBe('')
  })

  it('refuses a wrong token, a foreign host and a link of a foreign page', async () => {
    expect(await visit('/?token=wrong')).toMatchObject({ status: 401 })
    expect(await visit('/?token=')).toMatchObject({ status: 401 })
    expect(await visit(`/?token=${TOKEN}`, { Host: 'evil.example' })).toMatchObject({ status: 403 })
    expect(
      await visit(`/?token=${TOKEN}`, { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' }),
    ).toMatchObject({ status: 403 })
  })

  it('works from a link of another program on this machine', async () => {
    const headers = { 'Sec-Fetch-Site': 'same-site', 'Sec-Fetch-Mode': 'navigate' }
    expect(await visit(`/?token=${TOKEN}`, headers)).toMatchObject({ status: 303 })
  })
})

describe('a body', () => {
  it('over the limit is refused before it is sent', async () => {
    const answer = await ask({ headers: { ...JSON_TYPE, ...BEARER, 'Content-Length': '1000000000' } })
    expect(answer.status).toBe(413)
    expect(codeIn(answer.body)).toBe('LIMIT_BODY')
  })

  it('over the limit is not even asked for', async () => {
    const headers = { ...JSON_TYPE, ...BEARER, 'Content-Length': '20000', Expect: '100-continue' }
    expect(await ask({ headers })).toMatchObject({ status: 413, headers: { connection: 'close' } })
  })

  it('in chunks is refused at the first byte too many, while it is still sent', async () => {
    const socket = connect(served.port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write(
      headOf({ headers: { ...JSON_TYPE, ...BEARER, 'Transfer-Encoding': 'chunked' } }, `127.0.0.1:${served.port}`),
    )
    const chunk = `1000\r\n${'x'.repeat(0x1000)}\r\n`
    const sending = setInterval(() => socket.write(chunk), 1)
    const answer = await readAnswer(socket).finally(() => clearInterval(sending))
    expect(answer.status).toBe(413)
    expect(codeIn(answer.body)).toBe('LIMIT_BODY')
    socket.destroy()
  })

  it('that is announced with Expect is asked for and answered', async () => {
    const socket = connect(served.port, '127.0.0.1')
    socket.write(
      headOf({ ...good(), headers: { ...good().headers, Expect: '100-continue' } }, `127.0.0.1:${served.port}`),
    )
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 100 /)
    socket.write(CALL)
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 200 /)
    socket.destroy()
  })

  it.each([
    ['that is no JSON', '{"jsonrpc"', 'PARSE_ERROR'],
    ['that is empty', '', 'PARSE_ERROR'],
    ['that is not UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), 'PARSE_ERROR'],
    ['nested too deep', '['.repeat(9_000), 'LIMIT_DEPTH'],
    ['with too many calls', `[${Array.from({ length: 101 }, () => '1').join(',')}]`, 'LIMIT_BATCH'],
  ])('%s is answered as JSON-RPC does', async (_what, body, code) => {
    const answer = await ask(good({ body }))
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.body)).toMatchObject({ id: null, error: { data: { code } } })
  })
})

describe('a peer that is slow', () => {
  it('is refused when its head or its body does not come', async () => {
    await using slow = await serve(makeTestRouter(), { headersTimeoutMs: 100, requestTimeoutMs: 200 })
    const head = headOf({ headers: { ...JSON_TYPE, ...BEARER, 'Content-Length': '100' } }, `127.0.0.1:${slow.port}`)
    for (const beginning of ['POST /rpc HT', head]) {
      const socket = connect(slow.port, '127.0.0.1')
      socket.write(beginning)
      const answer = await readAnswer(socket)
      expect(answer.status).toBe(408)
      expect(codeIn(answer.body)).toBe('TIMEOUT')
      socket.destroy()
    }
  })

  it('is cut off when it does not take its answer', async () => {
    const own = newWitness()
    await using large = await serve(makeTestRouter(own), { requestTimeoutMs: 500 })
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'large', params: { bytes: 30_000_000 } })
    const socket = connect(large.port, '127.0.0.1').on('error', () => {})
    socket.pause().write(headOf(good({ body }), `127.0.0.1:${large.port}`) + body)
    await expect.poll(() => own.begun.count).toBe(1)
    await sleep(1_500)
    socket.resume()
    await expect(readAnswer(socket)).rejects.toThrow('the connection ended')
  })

  it('that is no HTTP at all is refused', async () => {
    const socket = connect(served.port, '127.0.0.1')
    socket.write('\u0016\u0003\u0001 not http\r\n\r\n')
    const answer = await readAnswer(socket)
    expect(answer.status).toBe(400)
    expect(codeIn(answer.body)).toBe('INVALID_REQUEST')
  })

  it('cannot open more connections than the limit', async () => {
    await using small = await serve(makeTestRouter(), { connections: 2 })
    const sockets = Array.from({ length: 3 }, () => connect(small.port, '127.0.0.1').on('error', () => {}))
    await Promise.race(sockets.map((socket) => once(socket, 'close')))
    expect(sockets.filter((socket) => socket.closed)).toHaveLength(1)
    for (const socket of sockets) socket.destroy()
  })
})

function sendFragments(socket: WebSocket): void {
  for (let sent = 0; sent < 11; sent++) socket.send('x'.repeat(1_000), { fin: false })
}

describe('a WebSocket', () => {
  interface Attempt {
    readonly path?: string
    readonly protocols?: string[]
    readonly headers?: Record<string, string>
  }

  /** The status that the handshake was refused with, or `open`. */
  async function attempt({ path = '/ws', protocols = [], headers = {} }: Attempt): Promise<number | 'open'> {
    const socket = new WebSocket(`ws://127.0.0.1:${served.port}${path}`, protocols, { headers })
    socket.on('error', () => {})
    const { promise, resolve } = Promise.withResolvers<number | 'open'>()
    socket.on('open', () => resolve('open'))
    socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    return promise.finally(() => socket.terminate())
  }

  const SUBPROTOCOLS = ['troupe.v1', `troupe.token.${TOKEN}`]

  it('opens with the token as a subprotocol, in a header or in the cookie', async () => {
    expect(await attempt({ protocols: SUBPROTOCOLS })).toBe('open')
    expect(await attempt({ headers: BEARER })).toBe('open')
    expect(await attempt({ headers: { Cookie: `troupe-${served.port}=${TOKEN}`, Origin: served.url } })).toBe('open')
  })

  it.each([
    ['no token', {}, 401],
    ['a wrong token', { protocols: ['troupe.v1', 'troupe.token.wrong'] }, 401],
    ['the token in the query', { path: `/ws?token=${TOKEN}` }, 401],
    ['a foreign Origin', { protocols: SUBPROTOCOLS, headers: { Origin: 'http://evil.example' } }, 403],
    ['the Origin null', { protocols: SUBPROTOCOLS, headers: { Origin: 'null' } }, 403],
    ['a foreign Host', { protocols: SUBPROTOCOLS, headers: { Host: 'evil.example' } }, 403],
    ['Sec-Fetch-Site: cross-site', { protocols: SUBPROTOCOLS, headers: { 'Sec-Fetch-Site': 'cross-site' } }, 403],
    ['another path', { path: '/rpc', protocols: SUBPROTOCOLS }, 404],
  ] satisfies [string, Attempt, number][])('is refused with %s', async (_what, handshake, status) => {
    expect(await attempt(handshake)).toBe(status)
  })

  it('never hears its token back', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${served.port}/ws`, SUBPROTOCOLS)
    await once(socket, 'open')
    expect(socket.protocol).toBe('troupe.v1')
    socket.terminate()
  })

  it.each([
    ['a frame over the limit', (socket: WebSocket) => socket.send('x'.repeat(10_001)), 1009],
    ['fragments over the limit', sendFragments, 1009],
    ['bytes instead of text', (socket: WebSocket) => socket.send(Buffer.from('{}')), 1003],
    ['invalid UTF-8', (socket: WebSocket) => socket.send(Buffer.from([0xff, 0xfe]), { binary: false }), 1007],
  ])('is closed for %s', async (_what, send, code) => {
    const socket = new WebSocket(`ws://127.0.0.1:${served.port}/ws`, SUBPROTOCOLS)
    await once(socket, 'open')
    send(socket)
    const [closed] = await once(socket, 'close')
    expect(closed).toBe(code)
  })
})

describe('a unix socket', () => {
  it('needs no token, and refuses whatever comes from a browser', async () => {
    const target = { path: served.socketPath }
    const plain = { body: CALL, headers: JSON_TYPE }
    expect(await rawRequest(target, plain)).toMatchObject({ status: 200 })
    for (const [name, value] of [
      ['Origin', 'http://localhost'],
      ['Sec-Fetch-Site', 'none'],
    ] as const) {
      const answer = await rawRequest(target, { body: CALL, headers: { ...JSON_TYPE, [name]: value } })
      expect(answer.status).toBe(403)
    }
    expect(witness.updates).toHaveLength(1)
  })
})

describe('the host, after all this', () => {
  it('still answers, and has logged no defect of its own', async () => {
    await sleep(10)
    expect(await ask(good())).toMatchObject({ status: 200 })
    await expect.poll(() => witness.lines).toEqual([])
  })
})
