import { MessageChannel } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { TroupeError } from '../../core/base/errors.ts'
import { Transferred, Wire } from '../../core/plugin/wire.ts'

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
const open: Disposable[] = []

function connect<Remote = Methods>(): Wire<Remote> {
  const { port1, port2 } = new MessageChannel()
  const server = new Wire<object, Methods>(port1, {
    double: (value) => value * 2,
    refuse: () => {
      throw new TroupeError('CONFLICT', 'not now', { why: 'test' })
    },
    give: () => new Transferred(given, [given.buffer]),
    hang: () => new Promise<void>(() => {}),
    note: (text) => void noted.push(text),
    take: () => {},
  })
  const client = new Wire<Remote>(port2, {})
  open.push(server, client)
  return client
}

afterEach(() => {
  for (const wire of open.splice(0)) wire[Symbol.dispose]()
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
