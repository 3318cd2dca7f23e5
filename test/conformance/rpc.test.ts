/** One suite over every transport: JSON-RPC 2.0 as its specification has it, and what Troupe adds. */
import { randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DEFAULT_TIMEOUT_MS } from '../../core/rpc/requester.ts'
import { makeTestRouter, newWitness, type Witness } from '../rpc/table.ts'
import { transports, type Endpoint } from '../rpc/transports.ts'

const nested = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`

/** Two levels deeper than its value. */
const echoOf = (value: string): string => `{"jsonrpc":"2.0","id":1,"method":"echo","params":{"value":${value}}}`

const parsed = (text: string | undefined): unknown => (text === undefined ? undefined : JSON.parse(text))
const failure = (id: unknown, code: number, name: string) => ({
  jsonrpc: '2.0',
  id,
  error: { code, message: expect.any(String), data: expect.objectContaining({ code: name }) },
})

/** The examples of section 7 of the specification; its positional parameters have become names. */
const EXAMPLES: readonly { says: string; text: string; answer: unknown }[] = [
  {
    says: 'named parameters',
    text: '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
    answer: { jsonrpc: '2.0', result: { difference: 19 }, id: 3 },
  },
  {
    says: 'named parameters in another order',
    text: '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
    answer: { jsonrpc: '2.0', result: { difference: 19 }, id: 4 },
  },
  {
    says: 'positional parameters, which are refused with a hint',
    text: '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
    answer: failure(1, -32602, 'INVALID_PARAMS'),
  },
  {
    says: 'a notification',
    text: '{"jsonrpc": "2.0", "method": "update", "params": {"values": [1,2,3]}}',
    answer: undefined,
  },
  {
    says: 'a notification of a method that is not there',
    text: '{"jsonrpc": "2.0", "method": "foobar"}',
    answer: undefined,
  },
  {
    says: 'a call of a method that is not there',
    text: '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
    answer: failure('1', -32601, 'METHOD_NOT_FOUND'),
  },
  {
    says: 'invalid JSON',
    text: '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
    answer: failure(null, -32700, 'PARSE_ERROR'),
  },
  {
    says: 'an invalid request',
    text: '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
    answer: failure(null, -32600, 'INVALID_REQUEST'),
  },
  {
    says: 'a batch of invalid JSON',
    text: '[{"jsonrpc": "2.0", "method": "sum", "params": {"values":[1,2,4]}, "id": "1"}, {"jsonrpc": "2.0", "method"]',
    answer: failure(null, -32700, 'PARSE_ERROR'),
  },
  { says: 'an empty batch', text: '[]', answer: failure(null, -32600, 'INVALID_REQUEST') },
  { says: 'an invalid batch of one', text: '[1]', answer: [failure(null, -32600, 'INVALID_REQUEST')] },
  {
    says: 'an invalid batch of three',
    text: '[1,null,"x"]',
    answer: Array.from({ length: 3 }, () => failure(null, -32600, 'INVALID_REQUEST')),
  },
  {
    says: 'a mixed batch',
    text: `[
      {"jsonrpc": "2.0", "method": "sum", "params": {"values": [1,2,4]}, "id": "1"},
      {"jsonrpc": "2.0", "method": "update", "params": {"values": [7]}},
      {"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": "2"},
      {"foo": "boo"},
      {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
      {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]`,
    answer: [
      { jsonrpc: '2.0', result: { sum: 7 }, id: '1' },
      { jsonrpc: '2.0', result: { difference: 19 }, id: '2' },
      failure(null, -32600, 'INVALID_REQUEST'),
      failure('5', -32601, 'METHOD_NOT_FOUND'),
      { jsonrpc: '2.0', result: { data: ['hello', 5] }, id: '9' },
    ],
  },
  {
    says: 'a batch of notifications',
    text: '[{"jsonrpc": "2.0", "method": "update", "params": {"values": [1]}},{"jsonrpc": "2.0", "method": "get_data"}]',
    answer: undefined,
  },
]

const PROTOTYPE_NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'rpc.discover', '']

describe.each(transports)('JSON-RPC over $name', ({ open }) => {
  let witness: Witness
  let endpoint: Endpoint

  beforeEach(async () => {
    witness = newWitness()
    endpoint = await open(makeTestRouter(witness))
  })
  afterEach(() => endpoint[Symbol.asyncDispose]())

  it.each(EXAMPLES)('answers $says as the specification does', async ({ text, answer }) => {
    expect(parsed(await endpoint.exchange(text))).toEqual(answer)
  })

  it('runs a notification although it says nothing', async () => {
    await endpoint.exchange('{"jsonrpc":"2.0","method":"update","params":{"values":[1,2]}}')
    await expect.poll(() => witness.updates).toEqual([[1, 2]])
  })

  it.each([
    ['no version', '{"id":1,"method":"get_data"}'],
    ['another version', '{"jsonrpc":"1.0","id":1,"method":"get_data"}'],
    ['parameters that are a text', '{"jsonrpc":"2.0","id":1,"method":"get_data","params":"x"}'],
  ])('refuses a request with %s, by its id', async (_what, text) => {
    expect(parsed(await endpoint.exchange(text))).toEqual(failure(1, -32600, 'INVALID_REQUEST'))
  })

  it.each([null, 0, -1.5, '', 'ü'])('gives back the id %j as it came', async (id) => {
    const answer = await endpoint.exchange(JSON.stringify({ jsonrpc: '2.0', id, method: 'get_data' }))
    expect(parsed(answer)).toMatchObject({ id, result: { data: ['hello', 5] } })
  })

  it.each(PROTOTYPE_NAMES)('knows no method %j', async (name) => {
    await expect(endpoint.connection.request(name, {})).rejects.toMatchObject({ code: 'METHOD_NOT_FOUND' })
  })

  it('keeps keys named __proto__ out of what handlers see', async () => {
    const text =
      '{"jsonrpc":"2.0","id":1,"method":"record","params":{"values":{"a":1,"__pr\\u006fto__":{"polluted":1},"__proto__":{"polluted":1}}}}'
    expect(parsed(await endpoint.exchange(text))).toMatchObject({ result: { keys: ['a'], polluted: false } })
  })

  it('names the path of each parameter that is wrong, ten at most', async () => {
    const values = Array.from({ length: 50 }, () => 'x')
    const error = await endpoint.connection.request('sum', { values }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'INVALID_PARAMS', message: expect.stringContaining('values.0') })
    expect(error).toHaveProperty('details.issues.length', 10)
  })

  it('carries the code, message and details of an error to the client', async () => {
    await expect(endpoint.connection.request('conflict', {})).rejects.toMatchObject({
      name: 'TroupeError',
      code: 'CONFLICT',
      message: 'The task is done; nothing more can be done with it.',
      details: { status: 'done' },
    })
  })

  it('says nothing of its inside when a handler throws, and logs it under the reference that it gives', async () => {
    const answer = await endpoint.exchange('{"jsonrpc":"2.0","id":1,"method":"crash"}')
    expect(answer).not.toMatch(/table\.ts|cannot open|at async|stack/)
    expect(parsed(answer)).toEqual(failure(1, -32603, 'INTERNAL'))
    expect(answer).toContain(JSON.stringify(witness.lines[0]?.fields).match(/"reference":"([^"]+)"/)?.[1])
  })

  it('answers INTERNAL for a result that breaks the contract or cannot be written', async () => {
    await expect(endpoint.connection.request('wrongResult', {})).rejects.toMatchObject({ code: 'INTERNAL' })
    await expect(endpoint.connection.request('cyclic', {})).rejects.toMatchObject({ code: 'INTERNAL' })
  })

  it('lets the local caller do all but what is a worker’s own', async () => {
    await expect(endpoint.connection.request('publicMethod', {})).resolves.toEqual({ who: 'local' })
    await expect(endpoint.connection.request('workerMethod', {})).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })

  it('carries a payload of a megabyte both ways, every character of it', async () => {
    const value = `${randomBytes(500_000).toString('base64')}\u2028\u0000"\\\u{1f600}ü`
    await expect(endpoint.connection.request('echo', { value })).resolves.toEqual({ value })
  })

  it('refuses JSON that is nested deeper than 64 levels, and takes 64', async () => {
    expect(parsed(await endpoint.exchange(echoOf(nested(62))))).toHaveProperty('result')
    expect(parsed(await endpoint.exchange(echoOf(nested(63))))).toEqual(failure(null, -32000, 'LIMIT_DEPTH'))
    expect(parsed(await endpoint.exchange('['.repeat(1_000_000)))).toEqual(failure(null, -32000, 'LIMIT_DEPTH'))
  })

  it('does not count brackets inside texts as depth', async () => {
    const value = `${'['.repeat(100)}\\"${'{"'.repeat(100)}\\\\`
    await expect(endpoint.connection.request('echo', { value })).resolves.toEqual({ value })
  })

  it('refuses a batch of more than 100 calls and runs none of them', async () => {
    const call = { jsonrpc: '2.0', method: 'update', params: { values: [] } }
    const batch = JSON.stringify(Array.from({ length: 101 }, (_, id) => ({ ...call, id })))
    expect(parsed(await endpoint.exchange(batch))).toEqual(failure(null, -32000, 'LIMIT_BATCH'))
    expect(witness.updates).toEqual([])
  })

  it('answers many calls at once, each with its own result', async () => {
    const values = Array.from({ length: 100 }, (_, index) => index)
    const calls = values.map((value) => endpoint.connection.request('later', { ms: (100 - value) % 7, value }))
    await expect(Promise.all(calls)).resolves.toEqual(values.map((value) => ({ value })))
  })

  it('settles a call that is given up, and tells the handler', async () => {
    const controller = new AbortController()
    const call = endpoint.connection.request('hang', {}, { signal: controller.signal })
    await expect.poll(() => witness.hanging).toHaveLength(1)
    controller.abort()
    await expect(call).rejects.toMatchObject({ code: 'ABORTED' })
    await expect.poll(() => witness.hanging[0]?.aborted).toBe(true)
  })

  it('settles a call at its time limit', async () => {
    const call = endpoint.connection.request('hang', {}, { timeoutMs: 50 })
    await expect(call).rejects.toMatchObject({ code: 'TIMEOUT' })
    expect(DEFAULT_TIMEOUT_MS).toBeLessThanOrEqual(120_000)
  })

  it('does not send a call whose signal has aborted before', async () => {
    await expect(
      endpoint.connection.request('update', { values: [1] }, { signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'ABORTED' })
    expect(witness.updates).toEqual([])
  })

  it('settles calls under way when the serving side ends, and refuses later ones', async () => {
    const call = endpoint.connection.request('hang', {}).catch((error: unknown) => error)
    await expect.poll(() => witness.hanging).toHaveLength(1)
    await endpoint.stopServing()
    expect(await call).toMatchObject({ code: expect.stringMatching(/^(HOST_UNREACHABLE|ABORTED)$/) })
    expect(witness.hanging[0]?.aborted).toBe(true)
    await expect(endpoint.connection.request('get_data', {})).rejects.toMatchObject({ code: 'HOST_UNREACHABLE' })
  })

  it('settles calls under way when the client closes, and aborts them at the host', async () => {
    const call = endpoint.connection.request('hang', {}).catch((error: unknown) => error)
    await expect.poll(() => witness.hanging).toHaveLength(1)
    await endpoint.connection[Symbol.asyncDispose]()
    expect(await call).toMatchObject({ code: 'HOST_UNREACHABLE' })
    await expect.poll(() => witness.hanging[0]?.aborted).toBe(true)
    expect(endpoint.connection.closed.aborted).toBe(true)
  })
})

describe.each(transports.filter(({ notifies }) => !notifies))('subscriptions over $name', ({ open }) => {
  let witness: Witness
  let endpoint: Endpoint

  beforeEach(async () => {
    witness = newWitness()
    endpoint = await open(makeTestRouter(witness))
  })
  afterEach(() => endpoint[Symbol.asyncDispose]())

  it('refuses to subscribe, since nothing could be sent', async () => {
    await expect(endpoint.connection.request('watch', { count: 1 })).rejects.toMatchObject({ code: 'UNSUPPORTED' })
  })
})

describe.each(transports.filter(({ notifies }) => notifies))('a connection over $name', ({ open }) => {
  let witness: Witness
  let endpoint: Endpoint

  beforeEach(async () => {
    witness = newWitness()
    endpoint = await open(makeTestRouter(witness))
  })
  afterEach(() => endpoint[Symbol.asyncDispose]())

  it('sends notifications once and in order', async () => {
    const heard: unknown[] = []
    endpoint.connection.onNotification((_name, params) => heard.push(params))
    await endpoint.connection.request('watch', { count: 500 })
    await expect.poll(() => heard).toHaveLength(500)
    expect(heard).toEqual(Array.from({ length: 500 }, (_, index) => ({ subscriptionId: 's', n: index + 1 })))
  })

  it('notifies nothing before the call that subscribed is answered', async () => {
    const first = await endpoint.exchange('{"jsonrpc":"2.0","id":7,"method":"watch","params":{"count":3}}')
    expect(parsed(first)).toEqual({ jsonrpc: '2.0', id: 7, result: { subscriptionId: 's' } })
  })

  it('disposes subscriptions when the client goes', async () => {
    await endpoint.connection.request('watch', { count: 0, id: 'a' })
    await endpoint.connection.request('watch', { count: 0, id: 'b' })
    await endpoint.connection[Symbol.asyncDispose]()
    await expect.poll(() => witness.disposed.toSorted()).toEqual(['a', 'b'])
  })

  it('keeps no subscription for a caller that gave up meanwhile', async () => {
    const call = endpoint.connection.request('watchLater', {}, { timeoutMs: 30 })
    await expect(call).rejects.toMatchObject({ code: 'TIMEOUT' })
    await expect.poll(() => witness.disposed).toEqual(['late'])
  })

  it('holds 100 subscriptions of a connection and refuses the next', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => `s${index}`)
    await Promise.all(ids.map((id) => endpoint.connection.request('watch', { count: 0, id })))
    await expect(endpoint.connection.request('watch', { count: 0, id: 'more' })).rejects.toMatchObject({
      code: 'LIMIT_SUBSCRIPTIONS',
    })
    expect(witness.disposed).toEqual(['more'])
  })

  it('works on no more than 256 calls of a connection at a time', async () => {
    const calls = Array.from({ length: 256 }, () => endpoint.connection.request('hang', {}))
    for (const call of calls) call.catch(() => {})
    await expect.poll(() => witness.hanging).toHaveLength(256)
    await expect(endpoint.connection.request('get_data', {})).rejects.toMatchObject({ code: 'LIMIT_BATCH' })
  })

  it('carries requests of the host to the client too', async () => {
    await expect(endpoint.connection.request('askBack', { method: 'anything' })).rejects.toMatchObject({
      code: 'METHOD_NOT_FOUND',
    })
  })
})
