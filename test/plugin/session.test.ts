import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { PluginEnd, PluginHost } from '../../core/plugin/plugin-host.ts'
import { TestIo, type TestIoOptions, makeSession } from '../helpers/plugin-io.ts'
import { openFixtureHost } from './setup.ts'

let host: PluginHost

beforeAll(async () => {
  host = await openFixtureHost()
})

afterAll(() => host[Symbol.asyncDispose]())

interface Started {
  readonly io: TestIo
  readonly end: Promise<PluginEnd>
  readonly stop: AbortController
}

/** Starts a session of the echo agent, which does what it is told by follow-ups. */
function start(options: TestIoOptions = {}, said: readonly string[] = []): Started {
  const io = new TestIo(options)
  onTestFinished(() => io[Symbol.asyncDispose]())
  const stop = new AbortController()
  io.say(...said)
  return {
    io,
    stop,
    end: host.run({ session: makeSession('echo-agent', { prompt: 'hello' }), io, signal: stop.signal }),
  }
}

test('messages arrive in order, each with its type first', async () => {
  const { io, end } = start({}, ['one', 'two', 'end done'])
  expect(await end).toEqual({ kind: 'complete', success: true, summary: 'done' })
  expect(io.messages).toEqual([
    { type: 'start', agent: 'echo-agent', agentSessionId: 'echo-session-1', workDir: '/' },
    ...['hello', 'one', 'two'].map((content) => ({ type: 'text', content })),
  ])
})

test('a conversation can be resumed', async () => {
  await using io = new TestIo()
  io.say('end')
  await host.run({
    session: makeSession('echo-agent', { resume: { agentSessionId: 'old' } }),
    io,
    signal: new AbortController().signal,
  })
  expect(io.messages[0]).toMatchObject({ type: 'start', agentSessionId: 'old' })
})

test('a question waits for its answer, and comes after the messages before it', async () => {
  const seen: string[][] = []
  const answer = () => {
    seen.push(io.texts())
    return Promise.resolve('No')
  }
  const { io, end } = start({ answer }, ['first', 'ask Shall I?', 'end'])
  await end
  expect(io.asked).toEqual([{ kind: 'question', question: 'Shall I?', options: [{ label: 'Yes' }, { label: 'No' }] }])
  expect(seen).toEqual([['hello', 'first']])
  expect(io.texts()).toEqual(['hello', 'first', 'No'])
})

test('a question that is too long for a person is cut, and asked', async () => {
  const { io, end } = start({ answer: () => Promise.resolve('No') }, [`ask ${'x'.repeat(1_000_000)}`, 'end'])
  expect(await end).toMatchObject({ kind: 'complete' })
  expect(io.asked[0]?.question).toMatch(/^x{32768}\.\.\. \(967232 more characters\)$/)
})

test('a question is withdrawn when the session stops', async () => {
  let withdrawn = false
  const answer = (_question: unknown, withdraw: AbortSignal) =>
    new Promise<string>((_, reject) => {
      withdraw.addEventListener('abort', () => {
        withdrawn = true
        reject(withdraw.reason)
      })
    })
  const { io, end, stop } = start({ answer }, ['ask Really?'])
  await expect.poll(() => io.asked.length).toBe(1)
  stop.abort()
  expect(await end).toEqual({ kind: 'stopped' })
  expect(withdrawn).toBe(true)
})

test('output of a process is logged line by line, with the place where the reading stands', async () => {
  const { io, end } = start({}, ['run printf "a\\nb\\nc" && exit 5', 'end'])
  await end
  expect(io.texts()).toEqual(['hello', 'a', 'b', 'c', 'exit 5'])
  expect(io.batches.at(-1)?.progress.offsets).toEqual([{ stdout: 5, stderr: 0 }])
})

test('each process has its place in the progress', async () => {
  const { io, end } = start({}, ['run echo first', 'run echo the second', 'end'])
  await end
  expect(io.batches.at(-1)?.progress.offsets).toEqual([
    { stdout: 6, stderr: 0 },
    { stdout: 11, stderr: 0 },
  ])
})

test('many lines leave in few batches, one at a time, and none is lost', async () => {
  const { io, end } = start({ append: () => sleep(5) }, ['run seq 1 20000', 'end'])
  await end
  expect(io.texts().slice(1, -1)).toEqual(Array.from({ length: 20_000 }, (_, index) => String(index + 1)))
  expect(io.mostAppends).toBe(1)
  expect(io.batches.length).toBeLessThan(200)
})

test('what is committed never passes a line whose messages are not', async () => {
  const { io, end } = start({}, ['run seq 1 5000', 'end'])
  await end
  let logged = 0
  let lines = -1 // the prompt is no line
  for (const { size, progress } of io.batches) {
    const texts = io.messages.slice(logged, (logged += size)).filter(({ type }) => type === 'text')
    lines += texts.length
    const passed = progress.offsets[0]?.stdout ?? 0
    const ends = Array.from({ length: Math.min(lines, 5000) }, (_, index) => String(index + 1).length + 1)
    expect(passed).toBeLessThanOrEqual(ends.reduce((sum, length) => sum + length, 0))
  }
})

test('a log that is slow makes the plugin wait, not grow', async () => {
  const gate = Promise.withResolvers<void>()
  const { io, end } = start({ append: () => gate.promise }, ['run seq 1 400000', 'end'])
  await expect.poll(() => io.processes.length).toBe(1)
  await sleep(500)
  expect(io.batches).toEqual([])
  gate.resolve()
  expect(await end).toMatchObject({ kind: 'complete' })
  expect(io.texts().length).toBe(400_002)
})

test('a log that takes no more ends the session with its error', async () => {
  const { end } = start({ append: () => Promise.reject(new Error('the disk is full')) })
  expect(await end).toMatchObject({ kind: 'error', message: 'the disk is full' })
})

test('a checkpoint is committed, and given back to a session that continues', async () => {
  const { io, end } = start({}, ['checkpoint here', 'end'])
  await end
  const checkpoint = io.batches.at(-1)?.progress.checkpoint
  expect(checkpoint).toEqual({ text: 'here' })

  await using later = new TestIo()
  later.say('end')
  await host.run({
    session: makeSession('echo-agent', { checkpoint }),
    io: later,
    signal: new AbortController().signal,
  })
  expect(later.texts()).toEqual(['continued: {"text":"here"}'])
})

test('live fragments are shown, not logged', async () => {
  const { io, end } = start({}, ['delta to', 'delta gether'])
  await expect.poll(() => io.deltas.map(({ content }) => content).join('')).toBe('together')
  io.say('end')
  await end
  expect(io.texts()).toEqual(['hello'])
})

test('an error that the agent ends with is the end of the session', async () => {
  const { end } = start({}, ['fail too hard'])
  expect(await end).toEqual({ kind: 'error', code: 'AGENT_FAILED', message: 'too hard' })
})

test('two sessions of one plugin know nothing of each other', async () => {
  const first = start({}, ['one'])
  const second = start({}, ['two'])
  await expect
    .poll(() => [first.io.texts(), second.io.texts()])
    .toEqual([
      ['hello', 'one'],
      ['hello', 'two'],
    ])
  first.stop.abort()
  expect(await first.end).toEqual({ kind: 'stopped' })
  second.io.say('end')
  expect(await second.end).toMatchObject({ kind: 'complete' })
})

test('a follow-up is acknowledged once what the plugin made of it is committed', async () => {
  const gate = Promise.withResolvers<void>()
  const { io, end } = start({ append: () => gate.promise }, ['checkpoint heard', 'end'])
  await expect.poll(() => io.mostAppends).toBe(1)
  await sleep(100)
  expect(io.acknowledged).toEqual([])
  gate.resolve()
  await end
  expect(io.acknowledged).toContain('follow-up-1')
  expect(io.progress?.checkpoint).toEqual({ text: 'heard' })
})

test('a follow-up that the plugin was done with when it ended is acknowledged', async () => {
  await using io = new TestIo()
  io.say('only')
  const session = makeSession('echo-agent', { prompt: 'hear one' })
  expect(await host.run({ session, io, signal: new AbortController().signal })).toMatchObject({ kind: 'complete' })
  expect(io.acknowledged).toEqual(['follow-up-1'])
  expect(io.progress?.checkpoint).toEqual({ text: 'only' })
})

test('a checkpoint that is no JSON ends the session', async () => {
  const { end } = start({}, ['checkpoint-nonsense'])
  expect(await end).toMatchObject({ kind: 'error', code: 'PLUGIN_MESSAGE', message: expect.stringContaining('JSON') })
})

test('a question asked again under its key, after the host died with it open, is one question', async () => {
  const unanswered = Promise.withResolvers<string>()
  const first = start({ answer: () => unanswered.promise }, ['checkpoint here', 'ask-as key-1 Shall I?'])
  await expect.poll(() => first.io.asked.length).toBe(1)
  first.stop.abort()
  await first.end
  const io = new TestIo({ after: first.io, answer: () => Promise.resolve('Yes') })
  onTestFinished(() => io[Symbol.asyncDispose]())
  io.say('end')
  const session = makeSession('echo-agent', { checkpoint: io.progress?.checkpoint })
  const work = { session, io, signal: new AbortController().signal, ...(io.progress && { progress: io.progress }) }
  expect(await host.run(work)).toMatchObject({ kind: 'complete' })
  expect([...first.io.asked, ...io.asked].map(({ key }) => key)).toEqual(['key-1', 'key-1'])
  expect(io.texts().at(-1)).toBe('Yes')
})
