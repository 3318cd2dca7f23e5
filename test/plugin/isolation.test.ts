/** What a plugin may expect of its host, and what happens when it misbehaves, is the same in a thread and in a process. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PluginIsolation } from '../../core/contract/records.ts'
import type { PluginEnd, PluginHost } from '../../core/plugin/plugin-host.ts'
import { TestIo, makeSession } from '../helpers/plugin-io.ts'
import { openFixtureHost } from './setup.ts'

const never = () => new AbortController().signal

const isolated = (isolation: PluginIsolation, limits: Parameters<typeof openFixtureHost>[0] = {}) =>
  openFixtureHost({ isolation: () => isolation, ...limits })

describe.for<PluginIsolation>(['thread', 'process'])('in a %s', (isolation) => {
  let host: PluginHost

  beforeAll(async () => {
    host = await isolated(isolation)
  })

  afterAll(() => host[Symbol.asyncDispose]())

  async function run(agent: string, io = new TestIo(), signal = never()): Promise<PluginEnd> {
    await using own = io
    return await host.run({ session: makeSession(agent), io: own, signal })
  }

  test('a session says, asks, hears, runs a program and ends', async () => {
    await using io = new TestIo()
    const end = host.run({ session: makeSession('echo-agent', { prompt: 'hello' }), io, signal: never() })
    io.say('ask Really?', 'run echo out; echo err >&2; exit 3', 'checkpoint here', 'end well')
    expect(await end).toEqual({ kind: 'complete', success: true, summary: 'well' })
    expect(io.messages[0]).toMatchObject({ type: 'start', agent: 'echo-agent' })
    expect(io.texts().toSorted()).toEqual(['Yes', 'err', 'exit 3', 'hello', 'out'])
    expect(io.asked).toMatchObject([{ kind: 'question', question: 'Really?' }])
    expect(io.progress).toEqual({ offsets: [{ stdout: 4, stderr: 4 }], checkpoint: { text: 'here' } })
    expect(io.acknowledged).toHaveLength(3)
  })

  test('a session that is continued gets its checkpoint', async () => {
    await using io = new TestIo()
    const progress = { offsets: [], checkpoint: { text: 'before' } }
    const session = makeSession('echo-agent', { checkpoint: progress.checkpoint })
    const end = host.run({ session, io, signal: never(), progress })
    io.say('end well')
    expect(await end).toMatchObject({ kind: 'complete' })
    expect(io.texts()).toEqual(['continued: {"text":"before"}'])
  })

  test('an agent is detected', async () => {
    const found = await host.detect(
      'echo-agent',
      { args: [] },
      {
        find: async () => undefined,
        run: async () => ({ code: 0, stdout: '', stderr: '' }),
        hasSecret: async () => false,
        fileExists: async () => false,
      },
    )
    expect(found).toEqual({ installed: true, signedIn: 'yes' })
  })

  test('a plugin that cannot be loaded is broken, with the reason', async () => {
    expect(await run('throws-at-load')).toMatchObject({ kind: 'error', code: 'PLUGIN_LOAD' })
    const info = host.plugins().find(({ name }) => name === 'fixture-throws-at-load')
    expect(info).toMatchObject({ status: 'broken', error: { message: expect.stringContaining('no luck today') } })
  })

  test.for([
    ['throws', 'PLUGIN_FAILED', 'out of ideas'],
    ['floods', 'PLUGIN_MESSAGE', '64 MiB'],
    ['emits-invalid-message', 'PLUGIN_MESSAGE', 'kind'],
    ['returns-nonsense', 'PLUGIN_MESSAGE', 'run returned'],
    ['spawns-missing-program', 'PROCESS_START', '"no-such-program"'],
  ])('a plugin that %s fails its session with %s', async ([agent = '', code = '', words = '']) => {
    expect(await run(agent)).toMatchObject({ kind: 'error', code, message: expect.stringContaining(words) })
  })

  test.for([
    ['exits', 'PLUGIN_DIED', 'exit code 3'],
    ['rejects-unhandled', 'PLUGIN_FAILED', 'nobody looks after me'],
    ['leaks-memory', 'PLUGIN_DIED', '64 MiB of memory'],
  ])('the session of a plugin that %s is interrupted with %s', async ([agent = '', code = '', words = '']) => {
    const error = { code, message: expect.stringContaining(words) }
    expect(await run(agent)).toMatchObject({ kind: 'interrupted', error })
  })

  test('what a plugin said before it exits is kept', async () => {
    const io = new TestIo()
    await run('exits', io)
    expect(io.texts()).toEqual(['goodbye'])
  })

  test('a plugin that spins is ended', async () => {
    await using strict = await isolated(isolation, { limits: { unresponsiveMs: 4_000 } })
    await using io = new TestIo()
    const end = await strict.run({ session: makeSession('spins'), io, signal: never() })
    expect(end).toMatchObject({ kind: 'interrupted', error: { code: 'PLUGIN_UNRESPONSIVE' } })
    expect(io.texts()).toEqual(['round and round'])
  })

  test.for(['never-ends', 'ignores-stop', 'never-loads'])('a session of %s is stopped when asked', async (agent) => {
    expect(await run(agent, new TestIo(), AbortSignal.timeout(500))).toEqual({ kind: 'stopped' })
  })

  test('output on one line of 50 MiB is kept in pieces', async () => {
    const io = new TestIo()
    expect(await run('huge-line', io)).toEqual({ kind: 'complete', success: true })
    const bytes = io.messages.reduce((sum, message) => sum + (message.type === 'raw' ? message.content.length : 0), 0)
    expect(bytes).toBe(50 * 1024 * 1024)
  })

  test('sessions at work end with their host', async () => {
    const closing = await isolated(isolation)
    await using io = new TestIo()
    const end = closing.run({ session: makeSession('ignores-stop'), io, signal: never() })
    await expect.poll(() => io.texts()).toEqual(['nothing stops me'])
    await closing[Symbol.asyncDispose]()
    expect(await end).toMatchObject({ kind: 'interrupted', error: { code: 'ABORTED' } })
  })
})
