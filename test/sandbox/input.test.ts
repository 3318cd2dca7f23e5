import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bench, findLeft, finish, openBench, readUntil } from './helpers.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(async () => {
  expect(await findLeft(bench.root)).toEqual([])
  await bench[Symbol.asyncDispose]()
})

const toDigest = (text: string) => createHash('sha256').update(text).digest('hex')

test('`none` is empty', async () => {
  await using running = await bench.sandbox.spawn(bench.request('cat'))
  expect(await finish(running)).toEqual({ stdout: '', stderr: '', exit: { code: 0 } })
  await expect(running.write('x')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
})

test('`content` is the text and then end of file', async () => {
  const content = 'ünï\n'.repeat(300_000)
  await using running = await bench.sandbox.spawn(bench.request('sha256sum', [], { stdin: { content } }))
  expect((await finish(running)).stdout).toContain(toDigest(content))
  await expect(running.write('x')).rejects.toMatchObject({ code: 'UNSUPPORTED' })
})

test('`live` takes line after line and never ends by itself', async () => {
  await using running = await bench.sandbox.spawn(bench.request('cat', [], { stdin: 'live' }))
  for (const line of ['one\n', 'two\n', 'three\n']) {
    await running.write(line)
    expect(await readUntil(running, line)).toContain(line)
  }
  expect(await running.stop()).toEqual({ code: null, signal: 'SIGTERM' })
  await expect(running.write('late\n')).rejects.toMatchObject({ code: 'ABORTED' })
})

test('large writes at once arrive whole and in order', async () => {
  const lines = ['a', 'b', 'c'].map((letter) => `${letter.repeat(1_000_000)}\n`)
  const request = bench.script('head -c 3000003 | sha256sum', { stdin: 'live' })
  await using running = await bench.sandbox.spawn(request)
  await Promise.all(lines.map((line) => running.write(line)))
  expect((await finish(running)).stdout).toContain(toDigest(lines.join('')))
})

test('the input of a program that closed it may still be written, as far as the pipe holds it', async () => {
  await using running = await bench.sandbox.spawn(bench.script('exec <&-; echo closed; sleep 300', { stdin: 'live' }))
  await readUntil(running, 'closed')
  await running.write('unheard\n')
})

test('a program that does not read is told of, and what was cut stays the last', async () => {
  await using hasty = await openBench({ inputStallMs: 300 })
  await using running = await hasty.sandbox.spawn(hasty.request('sleep', ['300'], { stdin: 'live' }))
  await expect(running.write('x'.repeat(1_000_000))).rejects.toMatchObject({ code: 'TIMEOUT' })
  await expect(running.write('y')).rejects.toMatchObject({ code: 'ABORTED' })
})

test('a write that waits is given up when the program ends', async () => {
  await using running = await bench.sandbox.spawn(bench.request('sleep', ['300'], { stdin: 'live' }))
  const refused = expect(running.write('x'.repeat(1_000_000))).rejects.toMatchObject({ code: 'ABORTED' })
  await running.stop()
  await refused
})
