/** A small table of methods for suites about JSON-RPC itself: the specification's own, and some that misbehave. */
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { TroupeError } from '../../core/base/errors.ts'
import type { Logger } from '../../core/base/logger.ts'
import { method } from '../../core/contract/method.ts'
import type { CallContext } from '../../core/rpc/handlers.ts'
import type { RouterLimits } from '../../core/rpc/limits.ts'
import type { Subscribed } from '../../core/rpc/client/subscription.ts'
import { makeRouterOf, type Router } from '../../core/rpc/router.ts'

const none = z.object({})
const open = { errors: [], access: 'viewer', doc: 'For tests.' } as const

export const table = {
  subtract: method({
    params: z.object({ minuend: z.number(), subtrahend: z.number() }),
    result: z.object({ difference: z.number() }),
    ...open,
  }),
  sum: method({ params: z.object({ values: z.array(z.number()) }), result: z.object({ sum: z.number() }), ...open }),
  get_data: method({ params: none, result: z.object({ data: z.array(z.json()) }), ...open }),
  update: method({ params: z.object({ values: z.array(z.number()) }), result: none, ...open }),
  echo: method({ params: z.object({ value: z.json() }), result: z.object({ value: z.json() }), ...open }),
  later: method({
    params: z.object({ ms: z.number(), value: z.json() }),
    result: z.object({ value: z.json() }),
    ...open,
  }),
  large: method({ params: z.object({ bytes: z.number() }), result: z.object({ value: z.string() }), ...open }),
  record: method({
    params: z.object({ values: z.record(z.string(), z.json()) }),
    result: z.object({ keys: z.array(z.string()), polluted: z.boolean() }),
    ...open,
  }),
  conflict: method({ params: none, result: none, ...open, errors: ['CONFLICT'] }),
  crash: method({ params: none, result: none, ...open }),
  wrongResult: method({ params: none, result: z.object({ number: z.number() }), ...open }),
  cyclic: method({ params: none, result: z.object({ value: z.json() }), ...open }),
  hang: method({ params: none, result: none, ...open }),
  publicMethod: method({ params: none, result: z.object({ who: z.string() }), ...open, access: 'public' }),
  workerMethod: method({ params: none, result: none, ...open, access: 'worker' }),
  watch: method({
    params: z.object({ count: z.number(), id: z.string().default('s') }),
    result: z.object({ subscriptionId: z.string() }),
    ...open,
    subscribes: true,
  }),
  watchLater: method({
    params: none,
    result: z.object({ subscriptionId: z.string() }),
    ...open,
    subscribes: true,
  }),
  askBack: method({
    params: z.object({ method: z.string() }),
    result: z.object({ said: z.json() }),
    ...open,
    subscribes: true,
  }),
}

export interface Witness {
  readonly updates: number[][]
  readonly lines: { readonly fields: object; readonly text: string }[]
  /** Calls of `hang` that were begun, and their signals. */
  readonly hanging: AbortSignal[]
  readonly disposed: string[]
  readonly sent: { count: number }
  /** Calls of `later` and `large` that were begun. */
  readonly begun: { count: number }
}

export const newWitness = (): Witness => ({
  updates: [],
  lines: [],
  hanging: [],
  disposed: [],
  sent: { count: 0 },
  begun: { count: 0 },
})

export function makeTestRouter(witness: Witness = newWitness(), limits: Partial<RouterLimits> = {}): Router {
  const note = (fields: object, text: string) => void witness.lines.push({ fields, text })
  const logger: Logger = { debug() {}, info() {}, warn: note, error: note }
  return makeRouterOf(table, {
    logger,
    limits,
    strict: true,
    handlers: {
      subtract: async ({ minuend, subtrahend }) => ({ difference: minuend - subtrahend }),
      sum: async ({ values }) => ({ sum: values.reduce((a, b) => a + b, 0) }),
      get_data: async () => ({ data: ['hello', 5] }),
      update: async ({ values }) => {
        witness.updates.push(values)
        return {}
      },
      echo: async ({ value }) => ({ value }),
      later: async ({ ms, value }) => {
        witness.begun.count++
        await sleep(ms)
        return { value }
      },
      large: async ({ bytes }) => {
        witness.begun.count++
        return { value: 'x'.repeat(bytes) }
      },
      record: async ({ values }) => ({ keys: Object.keys(values), polluted: 'polluted' in values }),
      conflict: async () => {
        throw new TroupeError('CONFLICT', 'The task is done; nothing more can be done with it.', { status: 'done' })
      },
      crash: async () => {
        throw new Error(`cannot open ${import.meta.filename}`)
      },
      wrongResult: async () => JSON.parse('{"number":"seven"}'),
      cyclic: async () => JSON.parse('{"value":1}', (_key, value: unknown) => (value === 1 ? 1n : value)),
      hang: (_params, { signal }) => hang(witness, signal),
      publicMethod: async (_params, { principal }) => ({ who: principal.kind }),
      workerMethod: async () => ({}),
      watch: (params, call) => watch(witness, params, call),
      watchLater: (_params, call) => watchLater(witness, call),
      askBack: async (params, { connection }) => ({
        said: z.json().parse(await connection?.request(params.method, {})),
      }),
    },
  })
}

function hang(witness: Witness, signal: AbortSignal): Promise<Record<string, never>> {
  witness.hanging.push(signal)
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
}

/** Notifies from before the answer on, each after the one before was taken. */
/** Keeps its subscription only after a while: the caller may have given up by then. */
async function watchLater(witness: Witness, { connection, signal }: CallContext): Promise<Subscribed> {
  witness.hanging.push(signal)
  await new Promise((resolve) => signal.addEventListener('abort', resolve))
  connection?.keep('late', { [Symbol.dispose]: () => void witness.disposed.push('late') })
  return { subscriptionId: 'late' }
}

async function watch(witness: Witness, { count, id }: { count: number; id: string }, { connection }: CallContext) {
  connection?.keep(id, { [Symbol.dispose]: () => void witness.disposed.push(id) })
  void (async () => {
    for (let n = 1; n <= count; n++) {
      // In pieces, as pages of a log are.
      await connection?.notifyRaw('executionLog', `{"subscriptionId":"${id}","n":`, Buffer.from(`${n}`), '}')
      witness.sent.count = n
    }
  })().catch(() => {})
  return { subscriptionId: id }
}
