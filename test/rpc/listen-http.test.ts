/** The doors of a host: how they open, who may hold them, and how they close. */
import { once } from 'node:events'
import { lstat, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { connectUnixHttp } from '../../core/rpc/client-node/unix.ts'
import { connectHttp } from '../../core/rpc/client/connect-http.ts'
import { listenHttp, type HttpListener, type ListenOptions } from '../../core/rpc/server/listen-http.ts'
import type { Pages } from '../../core/rpc/server/routes.ts'
import { rawRequest, readAnswer } from './raw-http.ts'
import { makeTestRouter, newWitness, type Witness } from './table.ts'
import { serve, TOKEN } from './transports.ts'

let folder: string
let witness: Witness
/** The listeners and clients of a test, closed after it. */
let opened: AsyncDisposableStack
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rpc-'))
  witness = newWitness()
  opened = new AsyncDisposableStack()
})
afterEach(async () => {
  await opened.disposeAsync()
  await rm(folder, { recursive: true, force: true })
})

async function listen(options: Partial<ListenOptions> = {}): Promise<HttpListener> {
  const limits = { closeMs: 100 }
  return opened.use(await listenHttp({ router: makeTestRouter(witness), port: 0, token: TOKEN, limits, ...options }))
}

const socketPath = () => join(folder, 'host.sock')

const SUBPROTOCOLS = ['troupe.v1', `troupe.token.${TOKEN}`]

async function openSocket(port: number): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, SUBPROTOCOLS)
  await once(socket, 'open')
  return socket
}

const pages: Pages = async (path) =>
  path === '/'
    ? { status: 200, contentType: 'text/html', body: '<p>panel', headers: { 'content-security-policy': 'x' } }
    : undefined

describe('a TCP port', () => {
  it('that is taken is an error that names it', async () => {
    const first = await listen()
    await expect(listen({ port: first.port })).rejects.toMatchObject({
      code: 'PORT_UNAVAILABLE',
      message: expect.stringContaining(String(first.port)),
    })
  })

  it('is reached at the address that it gives, on loopback only', async () => {
    const listener = await listen()
    expect(listener.url).toBe(`http://127.0.0.1:${listener.port}`)
    await using client = connectHttp(listener.url, { token: TOKEN })
    await expect(client.request('get_data', {})).resolves.toEqual({ data: ['hello', 5] })
  })

  it.each(['', 'short', 'sixteen letters!', 'x'.repeat(600), 'line\nbreak-0123456789'])(
    'does not open with the token %j',
    async (token) => {
      await expect(listen({ token })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    },
  )

  it('lets in the further hosts and origins that it was told', async () => {
    const listener = await listen({ allowedHosts: ['troupe.test:80'], allowedOrigins: ['app://panel'] })
    const headers = { Host: 'troupe.test:80', Authorization: `Bearer ${TOKEN}`, 'Content-Type': 'application/json' }
    const body = '{"jsonrpc":"2.0","id":1,"method":"get_data"}'
    for (const Origin of ['app://panel', 'http://troupe.test:80']) {
      expect(await rawRequest(listener, { body, headers: { ...headers, Origin } })).toMatchObject({ status: 200 })
    }
  })

  it('serves pages to who has the token, and to nobody else', async () => {
    const listener = await listen({ pages })
    const get = (headers: Record<string, string>, path = '/') => rawRequest(listener, { method: 'GET', path, headers })
    expect(await get({})).toMatchObject({ status: 401 })
    const Authorization = `Bearer ${TOKEN}`
    expect(await get({ Authorization })).toMatchObject({
      status: 200,
      body: '<p>panel',
      headers: { 'content-type': 'text/html', 'content-security-policy': 'x', 'x-content-type-options': 'nosniff' },
    })
    expect(await get({ Authorization }, '/other')).toMatchObject({ status: 404 })
  })
})

describe('a unix socket', () => {
  it('may be opened by its owner only, and leaves nothing else in its folder', async () => {
    await listen({ socketPath: socketPath() })
    expect((await lstat(socketPath())).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['host.sock'])
    await using client = connectUnixHttp(socketPath())
    await expect(client.request('get_data', {})).resolves.toEqual({ data: ['hello', 5] })
  })

  it('is removed when its host closes', async () => {
    const listener = await listen({ socketPath: socketPath() })
    await listener[Symbol.asyncDispose]()
    expect(await readdir(folder)).toEqual([])
  })

  it('left by a host that died is replaced', async () => {
    await leaveSocketBehind(socketPath())
    expect((await lstat(socketPath())).isSocket()).toBe(true)
    await listen({ socketPath: socketPath() })
    await using client = connectUnixHttp(socketPath())
    await expect(client.request('get_data', {})).resolves.toEqual({ data: ['hello', 5] })
  })

  it('of a live host is not replaced, and the port is given up again', async () => {
    await listen({ socketPath: socketPath() })
    await expect(listen({ socketPath: socketPath() })).rejects.toMatchObject({ code: 'HOST_ALREADY_RUNNING' })
    await using client = connectUnixHttp(socketPath())
    await expect(client.request('get_data', {})).resolves.toEqual({ data: ['hello', 5] })
  })

  it('does not replace a file that is no socket', async () => {
    await writeFile(socketPath(), 'precious')
    await expect(listen({ socketPath: socketPath() })).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
    expect((await lstat(socketPath())).isFile()).toBe(true)
  })

  it('of another host, which took its place meanwhile, is left alone', async () => {
    const first = await listen({ socketPath: socketPath() })
    await rm(socketPath())
    await listen({ socketPath: socketPath() })
    await first[Symbol.asyncDispose]()
    await using client = connectUnixHttp(socketPath())
    await expect(client.request('get_data', {})).resolves.toEqual({ data: ['hello', 5] })
  })

  it('with a path that is too long is an error that says so', async () => {
    await expect(listen({ socketPath: join(folder, 'x'.repeat(60), 'y'.repeat(60)) })).rejects.toMatchObject({
      code: 'DATA_DIR_UNUSABLE',
      message: expect.stringContaining('shorter'),
    })
  })

  it('that nobody listens at is told apart from an answer', async () => {
    await using client = connectUnixHttp(socketPath())
    await expect(client.request('get_data', {})).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  })
})

/** A socket file as a killed process leaves it: closing would remove it, so it is moved aside meanwhile. */
async function leaveSocketBehind(path: string): Promise<void> {
  const server = createServer()
  server.listen(path)
  await once(server, 'listening')
  await rename(path, `${path}.kept`)
  server.close()
  await once(server, 'close')
  await rename(`${path}.kept`, path)
}

describe('closing', () => {
  it('lets calls at work finish', async () => {
    const listener = await listen({ limits: { closeMs: 30_000 } })
    await using client = connectHttp(listener.url, { token: TOKEN })
    const call = client.request('later', { ms: 100, value: 'done' })
    await expect.poll(() => witness.begun.count).toBe(1)
    await listener[Symbol.asyncDispose]()
    await expect(call).resolves.toEqual({ value: 'done' })
  })

  it('ends within its bound whatever hangs: calls, idle and half-open connections, WebSockets', async () => {
    const listener = await listen()
    await using client = connectHttp(listener.url, { token: TOKEN })
    const call = client.request('hang', {}).catch((error: unknown) => error)
    const idle = connect(listener.port, '127.0.0.1').on('error', () => {})
    const half = connect(listener.port, '127.0.0.1').on('error', () => {})
    half.write('POST /rpc HTTP/1.1\r\n')
    const deaf = await openSocket(listener.port)
    deaf.pause()
    await expect.poll(() => witness.hanging).toHaveLength(1)
    await listener[Symbol.asyncDispose]()
    expect(await call).toMatchObject({ code: 'HOST_UNREACHABLE' })
    expect(witness.hanging[0]?.aborted).toBe(true)
    await expect.poll(() => [idle.closed, half.closed]).toEqual([true, true])
    deaf.terminate()
  })
})

it('does not begin a WebSocket on an old connection while it closes', async () => {
  const listener = await listen({ limits: { closeMs: 30_000 } })
  const hanging = opened.use(connectHttp(listener.url, { token: TOKEN }))
  hanging.request('hang', {}).catch(() => {})
  await expect.poll(() => witness.hanging).toHaveLength(1)
  const socket = connect(listener.port, '127.0.0.1').on('error', () => {})
  socket.write('GET /ws HTTP/1.1\r\n')
  await once(socket, 'connect')
  // By its answer, the host has read what came before.
  for (let turn = 0; turn < 3; turn++) await rawRequest(listener, { method: 'GET', path: '/health' })
  const closed = listener[Symbol.asyncDispose]()
  const head = `Host: 127.0.0.1:${listener.port}\r\nAuthorization: Bearer ${TOKEN}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
  socket.write(`${head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n`)
  await expect(readAnswer(socket)).resolves.toMatchObject({ status: 503 })
  await hanging[Symbol.asyncDispose]()
  socket.destroy()
  await closed
})

describe('a WebSocket peer', () => {
  it('that does not answer pings is ended, one that does is kept', async () => {
    await using served = await serve(makeTestRouter(witness), { pingMs: 500 })
    const kept = await openSocket(served.port)
    const dead = new WebSocket(`ws://127.0.0.1:${served.port}/ws`, SUBPROTOCOLS, { autoPong: false })
    await once(dead, 'close')
    expect(kept.readyState).toBe(WebSocket.OPEN)
    kept.terminate()
  })

  it('that reads slowly holds back its own subscription, and loses nothing of it', async () => {
    await using served = await serve(makeTestRouter(witness))
    const slow = await openSocket(served.port)
    slow.pause()
    const count = 200_000
    slow.send(`{"jsonrpc":"2.0","id":1,"method":"watch","params":{"count":${count}}}`)
    await expect.poll(() => witness.sent.count).toBeGreaterThan(0)
    let before = -1
    await vi.waitFor(
      () => {
        const now = witness.sent.count
        const stood = now === before
        before = now
        expect(stood).toBe(true)
      },
      { interval: 200, timeout: 60_000 },
    )
    expect(before).toBeLessThan(count)
    let last = 0
    slow.on('message', (data: Buffer) => {
      const n: unknown = JSON.parse(data.toString()).params?.n
      if (typeof n !== 'number') return
      if (n !== last + 1) throw new Error(`${n} came after ${last}`)
      last = n
    })
    slow.resume()
    await expect.poll(() => last).toBe(count)
    slow.terminate()
  })

  it('that reads slowly and has many subscriptions is not cut off for what they all tell', async () => {
    await using served = await serve(makeTestRouter(witness), { bufferedBytes: 1_000_000 })
    // A unix socket: the system itself holds little for it.
    const slow = new WebSocket('ws://localhost/ws', SUBPROTOCOLS, {
      createConnection: () => connect({ path: served.socketPath }),
    })
    await once(slow, 'open')
    const [watches, count] = [40, 60]
    const came = new Map<string, number>()
    let asked = 0
    /** One after the other, for the answers are large too; and then reads nothing for a while. */
    function askNext(): void {
      const params = { count, id: `${asked}-${'x'.repeat(60_000)}` }
      if (asked < watches) slow.send(JSON.stringify({ jsonrpc: '2.0', id: asked, method: 'watch', params }))
      else slow.pause()
      if (asked++ === watches) setTimeout(() => slow.resume(), 300)
    }
    slow.on('message', (data: Buffer) => {
      const { params } = JSON.parse(data.toString()) as { params?: { subscriptionId: string; n: number } }
      if (!params) return askNext()
      const last = came.get(params.subscriptionId) ?? 0
      if (params.n !== last + 1) throw new Error(`${params.n} came after ${last}`)
      came.set(params.subscriptionId, params.n)
    })
    askNext()
    const total = () => [...came.values()].reduce((sum, n) => sum + n, 0)
    await expect.poll(() => [slow.readyState, total()]).toEqual([WebSocket.OPEN, watches * count])
    slow.terminate()
  })

  it('that asks and never reads is cut off before it fills the memory', async () => {
    await using served = await serve(makeTestRouter(witness), { bufferedBytes: 1_000_000 })
    const greedy = await openSocket(served.port)
    greedy.pause()
    const ended = new Promise((resolve) => greedy.on('error', resolve).on('close', resolve))
    const value = 'x'.repeat(100_000)
    const asking = setInterval(
      () => greedy.send(`{"jsonrpc":"2.0","id":1,"method":"echo","params":{"value":"${value}"}}`, () => {}),
      1,
    )
    await ended
    clearInterval(asking)
  })
})
