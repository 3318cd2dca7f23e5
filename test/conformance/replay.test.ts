/** Recorded output of real agents, through their plugins in the real plugin host, says the same however its bytes arrive. */
import { readFileSync, readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { within } from '../../core/base/waiting.ts'
import type { HostIo, HostProcess, OutputChunk } from '../../core/plugin/host-io.ts'
import { type PluginEnd, type PluginHost, openPluginHost } from '../../core/plugin/plugin-host.ts'
import { makeSession } from '../helpers/plugin-io.ts'
import { repositoryRoot } from '../helpers/repository-files.ts'
import { makeTemporaryFolder } from '../helpers/temporary-folder.ts'

const SEEDS = [1, 2, 3]
const RUN_MS = 60_000

const recordings = readdirSync(join(repositoryRoot, 'fixtures/agents'), { recursive: true, withFileTypes: true })
  .filter(({ name }) => name.endsWith('.ndjson'))
  .map(({ parentPath, name }) => ({ agent: basename(parentPath), name, path: join(parentPath, name) }))

/** Uniform numbers from 0 to 1, the same for the same seed (mulberry32). */
function* random(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state + 0x6d2b79f5) | 0
    const first = Math.imul(state ^ (state >>> 15), 1 | state)
    const second = (first + Math.imul(first ^ (first >>> 7), 61 | first)) ^ first
    yield ((second ^ (second >>> 14)) >>> 0) / 2 ** 32
  }
}

/** All at once without a seed; else in pieces of 1 to 2000 bytes, most of them small. */
function* chunks(bytes: Uint8Array, seed?: number): Generator<OutputChunk> {
  const numbers = random(seed ?? 0)
  for (let offset = 0; offset < bytes.length;) {
    const size = seed === undefined ? bytes.length : 1 + Math.floor(numbers.next().value ** 4 * 2000)
    yield { stream: 'stdout', offset, bytes: bytes.subarray(offset, offset + size) }
    offset += size
  }
}

async function* later<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}

interface Said {
  readonly messages: readonly unknown[]
  readonly end: PluginEnd
}

/** The program prints what was recorded, whatever it is told; nobody answers its questions. */
async function replay(host: PluginHost, { agent, path }: (typeof recordings)[number], seed?: number): Promise<Said> {
  const messages: unknown[] = []
  const process: HostProcess = {
    output: later(chunks(readFileSync(path), seed)),
    exited: Promise.resolve({ code: 0 }),
    write: () => Promise.resolve(),
    signal: () => Promise.resolve(),
    stop: () => Promise.resolve({ code: 0 }),
  }
  const io: HostIo = {
    spawn: () => Promise.resolve(process),
    append: (drafts) => Promise.resolve(void messages.push(...drafts.map(({ json }) => JSON.parse(json)))),
    delta: () => {},
    ask: (_question, withdraw) =>
      new Promise((_answer, reject) => withdraw.addEventListener('abort', () => reject(withdraw.reason))),
    followUps: { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) },
    debug: () => {},
  }
  const session = makeSession(agent, { settings: { program: 'recorded', args: [] }, permissionMode: 'ask' })
  const end = host.run({ session, io, signal: new AbortController().signal })
  return { messages, end: await within(RUN_MS, `The replay of ${path}`, end) }
}

describe('a recording says the same in pieces as at once', () => {
  const folder = makeTemporaryFolder()
  let host: PluginHost
  beforeAll(async () => {
    host = await openPluginHost({ logger: silentLogger, clock: systemClock, dataDir: folder.path })
  })
  afterAll(async () => {
    await host[Symbol.asyncDispose]()
    folder[Symbol.dispose]()
  })

  it.each(recordings)('$agent: $name', async (recording) => {
    const whole = await replay(host, recording)
    expect(whole.end.kind).not.toBe('interrupted')
    for (const seed of SEEDS) expect(await replay(host, recording, seed), `seed ${seed}`).toEqual(whole)
  })
})
