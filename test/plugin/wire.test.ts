import { MessageChannel } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { TroupeError } from '../../core/base/errors.ts'
import { Trunk } from '../../core/plugin/trunk.ts'
import { Transferred, type Wire } from '../../core/plugin/wire.ts'

interface Methods {
  double(value: number): number
  refuse(): never
  give(): Uint8Array
  hang(): void
  note(text: string): void
  take(value: unknown): void
}

const noted: string[] = []
const given = new Uint8Array([1, 2, 3])
const open: Trunk[] = []
let lastWire = 0

function connect<Remote = Methods>(trunks = makeTrunks()): Wire<Remote> {
  const number = ++lastWire
  trunks.server.open<object, Methods>(number, {
    double: (value) => value * 2,
    refuse: () => {
      throw new TroupeError('CONFLICT', 'not now', { why: 'test' })
    },
    give: () => new Transferred(given, [given.buffer]),
    hang: () => new Promise<void>(() => {}),
    note: (text) => void noted.push(text),
    take: () => {},
  })
  return trunks.client.open<Remote, object>(number, {})
}

function makeTrunks(): { server: Trunk; client: Trunk } {
  const { port1, port2 } = new MessageChannel()
  const [server, client] = [new Trunk(port1), new Trunk(port2)]
  open.push(server, client)
  return { server, client }
}

afterEach(() => {
  for (const trunk of open.splice(0)) trunk[Symbol.dispose]()
})

test('a call is answered', async () => {
  expect(await connect().call('double', 21)).toBe(42)
})

test('an error keeps its class, code and details', async () => {
  const error: unknown = await connect()
    .call('refuse', undefined)
    .catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(TroupeError)
  expect(error).toMatchObject({ code: 'CONFLICT', message: 'not now', details: { why: 'test' } })
})

test('a buffer can be given away', async () => {
  expect(await connect().call('give', undefined)).toEqual(new Uint8Array([1, 2, 3]))
  expect(given.byteLength).toBe(0)
})

test('notes arrive in order, before a later call', async () => {
  const wire = connect()
  wire.notify('note', 'one')
  wire.notify('note', 'two')
  await wire.call('double', 1)
  expect(noted).toEqual(['one', 'two'])
})

test('a call that is not answered settles when the other end closes, and so does a later one', async () => {
  const wire = connect()
  const call = wire.call('hang', undefined)
  open[0]?.[Symbol.dispose]()
  await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
  await expect(wire.call('double', 1)).rejects.toMatchObject({ code: 'ABORTED' })
  expect(wire.isOpen).toBe(false)
})

test('a value that cannot be sent fails its call, not the wire', async () => {
  const wire = connect()
  await expect(wire.call('take', Symbol('x'))).rejects.toThrow('could not be cloned')
  expect(await wire.call('double', 2)).toBe(4)
})

test('a method that the other end does not have is an error', async () => {
  const wire = connect<{ toString(): void }>()
  await expect(wire.call('toString', undefined)).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' })
})

test('many wires share a trunk, and one that is closed leaves the others open', async () => {
  const trunks = makeTrunks()
  const closed = connect(trunks)
  const other = connect(trunks)
  const call = closed.call('hang', undefined)
  closed[Symbol.dispose]()
  await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
  expect(await other.call('double', 4)).toBe(8)
})

test('a wire that is closed at one end closes at the other, where its calls are left without an end', async () => {
  const trunks = makeTrunks()
  const number = ++lastWire
  const closed = Promise.withResolvers<void>()
  const end = trunks.server.open<Methods, object>(number, {}, () => closed.resolve())
  const calls = [end.call('hang', undefined)]
  trunks.client.open(number, {})[Symbol.dispose]()
  await closed.promise
  expect(end.isOpen).toBe(false)
  calls.push(end.call('hang', undefined))
  const settled = await Promise.race([...calls, connect(trunks).call('double', 1)])
  expect(settled).toBe(2)
})

test('what arrives for a wire that is not there is dropped', async () => {
  const trunks = makeTrunks()
  trunks.client.open<Methods, object>(++lastWire, {}).notify('note', 'nobody')
  expect(await connect(trunks).call('double', 5)).toBe(10)
})
