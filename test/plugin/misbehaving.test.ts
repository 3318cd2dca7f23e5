import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { PluginEnd, PluginHost } from '../../core/plugin/plugin-host.ts'
import { TestIo, makeSession } from '../helpers/plugin-io.ts'
import { openFixtureHost } from './setup.ts'

let shared: PluginHost

beforeAll(async () => {
  shared = await openFixtureHost()
})

afterAll(() => shared[Symbol.asyncDispose]())

const never = () => new AbortController().signal

/** Runs `agent` while a session of the echo agent is at work, and sees that one go on to its end. */
async function runBesideNeighbour(agent: string, io = new TestIo(), signal = never()): Promise<PluginEnd> {
  return runBeside(shared, agent, io, signal)
}

async function runBeside(host: PluginHost, agent: string, io: TestIo, signal: AbortSignal): Promise<PluginEnd> {
  await using neighbourIo = new TestIo()
  await using own = io
  const neighbour = host.run({
    session: makeSession('echo-agent', { prompt: 'hello' }),
    io: neighbourIo,
    signal: never(),
  })
  await expect.poll(() => neighbourIo.texts()).toEqual(['hello'])
  const end = await host.run({ session: makeSession(agent), io: own, signal })
  neighbourIo.say('still here', 'end well')
  expect(await neighbour).toEqual({ kind: 'complete', success: true, summary: 'well' })
  expect(neighbourIo.texts()).toEqual(['hello', 'still here'])
  return end
}

const envelope = (code: string, ...parts: string[]) => ({
  code,
  message: expect.stringMatching(new RegExp(parts.join('.*'), 's')),
})

const failure = (code: string, ...parts: string[]) => ({ kind: 'error', ...envelope(code, ...parts) })

const interrupted = (code: string, ...parts: string[]) => ({ kind: 'interrupted', error: envelope(code, ...parts) })

describe('a plugin that cannot be loaded ends its session with PLUGIN_LOAD when it', () => {
  test.for([
    ['throws-at-load', 'fixture-throws-at-load', 'no luck today'],
    ['no-default-export', 'fixture-no-default-export', 'default export'],
    ['missing-agent', 'fixture-missing-agent', '"missing-agent"'],
  ])('%s', async ([agent = '', ...parts]) => {
    expect(await runBesideNeighbour(agent)).toEqual(failure('PLUGIN_LOAD', ...parts))
  })

  test('never finishes loading', async () => {
    await using hasty = await openFixtureHost({ limits: { loadMs: 500 } })
    const end = await hasty.run({ session: makeSession('never-loads'), io: new TestIo(), signal: never() })
    expect(end).toEqual(failure('PLUGIN_LOAD', 'fixture-never-loads', 'did not finish loading within 0.5 s'))
  })
})

describe('a plugin that is refused by its manifest never runs:', () => {
  test.for([
    ['bad-manifest', 'PLUGIN_MANIFEST', 'bad-manifest/package.json', 'troupe.agents.bad-manifest.permissionModes.0'],
    ['wrong-contract', 'PLUGIN_CONTRACT', 'version 99', 'version 1'],
  ])('%s', async ([name = '', code = '', ...parts]) => {
    const info = shared.plugins().find((plugin) => plugin.name === `fixture-${name}`)
    expect(info).toMatchObject({ status: 'broken', agents: [] })
    expect({ kind: 'error', ...info?.error }).toEqual(failure(code, ...parts))
    expect(await runBesideNeighbour(name)).toEqual(failure('AGENT_NOT_FOUND', `"${name}"`))
  })
})

describe('a plugin that misbehaves in its session ends that one, and another goes on, when it', () => {
  test.for([
    ['throws', 'PLUGIN_FAILED', 'out of ideas', 'throws/index.js:7'],
    ['floods', 'PLUGIN_MESSAGE', 'flood', '64 MiB'],
    ['emits-invalid-message', 'PLUGIN_MESSAGE', 'kind'],
    ['returns-nonsense', 'PLUGIN_MESSAGE', 'run returned', 'kind'],
    ['spawns-missing-program', 'PROCESS_START', '"no-such-program"'],
    ['dies-at-once', 'AGENT_EXITED', 'code 7'],
  ])('%s', async ([agent = '', code = '', ...parts]) => {
    expect(await runBesideNeighbour(agent)).toEqual(failure(code, ...parts))
  })

  test.for([
    ['exits', 'PLUGIN_DIED', 'fixture-exits', 'exit code 3'],
    ['rejects-unhandled', 'PLUGIN_FAILED', 'fixture-rejects-unhandled', 'nobody looks after me'],
    ['leaks-memory', 'PLUGIN_DIED', 'fixture-leaks-memory', '64 MiB of memory'],
  ])('%s, and with it its thread', async ([agent = '', code = '', ...parts]) => {
    expect(await runBesideNeighbour(agent)).toEqual(interrupted(code, ...parts))
  })

  test('spins', async () => {
    await using strict = await openFixtureHost({ limits: { unresponsiveMs: 4_000 } })
    const io = new TestIo()
    expect(await runBeside(strict, 'spins', io, never())).toEqual(
      interrupted('PLUGIN_UNRESPONSIVE', 'fixture-spins', 'did not react for 4 s'),
    )
    expect(io.texts()).toEqual(['round and round'])
  })

  test('exits, and what it said before is kept', async () => {
    const io = new TestIo()
    await runBesideNeighbour('exits', io)
    expect(io.texts()).toEqual(['goodbye'])
  })

  test('emits an invalid message, and the valid ones before it are kept', async () => {
    const io = new TestIo()
    await runBesideNeighbour('emits-invalid-message', io)
    expect(io.texts()).toEqual(['a good one'])
  })
})

describe('a session that is asked to stop is stopped when its plugin', () => {
  test('listens, and says a last word', async () => {
    const io = new TestIo()
    const stop = new AbortController()
    const end = runBesideNeighbour('never-ends', io, stop.signal)
    await expect.poll(() => io.texts()).toEqual(['at work'])
    stop.abort()
    expect(await end).toEqual({ kind: 'stopped' })
    expect(io.texts()).toEqual(['at work', 'asked to stop'])
  })

  test.for(['ignores-stop', 'never-loads', 'spins'])('%s', async (agent) => {
    expect(await runBesideNeighbour(agent, new TestIo(), AbortSignal.timeout(300))).toEqual({ kind: 'stopped' })
  })

  test('was not begun yet', async () => {
    expect(await runBesideNeighbour('echo-agent', new TestIo(), AbortSignal.abort())).toEqual({ kind: 'stopped' })
  })
})

describe('output of an agent that is', () => {
  test('50 MiB on one line is kept in pieces, and never handed to the plugin', async () => {
    const io = new TestIo()
    expect(await runBesideNeighbour('huge-line', io)).toEqual({ kind: 'complete', success: true })
    const pieces = io.messages.flatMap((message) => (message.type === 'raw' ? [message.content] : []))
    expect(pieces.reduce((sum, piece) => sum + piece.length, 0)).toBe(50 * 1024 * 1024)
    expect(Math.max(...pieces.map((piece) => piece.length))).toBeLessThanOrEqual(1024 * 1024)
    expect(pieces.every((piece) => /^x+$/.test(piece))).toBe(true)
    expect(io.texts()).toEqual(['after'])
    expect(io.batches.at(-1)?.progress.offsets).toEqual([{ stdout: 50 * 1024 * 1024 + 7, stderr: 0 }])
  })

  test('not UTF-8 is kept with U+FFFD in its place', async () => {
    const io = new TestIo()
    expect(await runBesideNeighbour('invalid-utf8', io)).toEqual({ kind: 'complete', success: true })
    expect(io.texts()).toEqual(['a\uFFFD', '\uFFFD'])
    expect(io.messages).toContainEqual({ type: 'raw', stream: 'stderr', content: '€' })
  })
})
