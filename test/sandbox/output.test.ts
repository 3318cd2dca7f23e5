import { appendFile, rm } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bench, findLeft, finish, openBench, readUntil, waitFor } from './helpers.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(async () => {
  expect(await findLeft(bench.root)).toEqual([])
  await bench[Symbol.asyncDispose]()
})

test('20 MB on each stream arrive whole, in chunks of bounded size, both streams in turn', async () => {
  const flood = 'yes abcdefghi | head -c 20000000 & yes jklmnopqr | head -c 20000000 >&2; wait'
  await using running = await bench.sandbox.spawn(bench.script(flood))
  await running.exited
  const size = { stdout: 0, stderr: 0 }
  const ahead: number[] = []
  for await (const { stream, offset, bytes } of running.output()) {
    expect(offset).toBe(size[stream])
    expect(bytes.length).toBeLessThanOrEqual(256 * 1024)
    size[stream] += bytes.length
    ahead.push(Math.abs(size.stdout - size.stderr))
  }
  expect(size).toEqual({ stdout: 20_000_000, stderr: 20_000_000 })
  expect(Math.max(...ahead)).toBeLessThanOrEqual(256 * 1024)
})

test('bytes that are no UTF-8 arrive as they are', async () => {
  await using running = await bench.sandbox.spawn(bench.script(String.raw`printf 'a\377\376\000\303(\r\n\200'`))
  const bytes: number[] = []
  for await (const chunk of running.output()) bytes.push(...chunk.bytes)
  expect(bytes).toEqual([0x61, 0xff, 0xfe, 0, 0xc3, 0x28, 0x0d, 0x0a, 0x80])
})

test('output is seen while the program runs, and reading goes on from an offset', async () => {
  await using running = await bench.sandbox.spawn(bench.script('echo one; read line; echo "$line"', { stdin: 'live' }))
  expect(await readUntil(running, 'one\n')).toBe('one\n')
  await running.write('two\n')
  await running.exited
  let rest = ''
  for await (const { offset, bytes } of running.output({ stdout: 2, stderr: 0 })) {
    expect(offset).toBe(2)
    rest += Buffer.from(bytes).toString()
  }
  expect(rest).toBe('e\ntwo\n')
})

test('what a descendant wrote before the program ended is read, and one that writes on does not keep it open', async () => {
  const below = '(echo from below; : >below; while :; do echo more; sleep 0.01; done)'
  const script = `${below} & until [ -e below ]; do sleep 0.01; done; echo last`
  await using running = await bench.sandbox.spawn(bench.script(script))
  const { stdout, exit } = await finish(running)
  expect(stdout).toMatch(/^from below\n/)
  expect(stdout).toContain('last\n')
  expect(exit).toEqual({ code: 0 })
})

test('a program that empties its own output is read on from the new beginning', async () => {
  const script = 'echo long enough; read go; echo short >/dev/stdout; read go; echo after'
  await using running = await bench.sandbox.spawn(bench.script(script, { stdin: 'live' }))
  let seen = ''
  for await (const { bytes } of running.output()) {
    seen += Buffer.from(bytes).toString()
    if (seen.endsWith('enough\n') || seen.endsWith('short\n')) await running.write('\n')
  }
  expect(seen).toBe('long enough\nshort\nafter\n')
})

test('a reader that stops reading costs no memory', async () => {
  await using running = await bench.sandbox.spawn(bench.script('yes 0123456789 | head -c 200000000; echo end >&2'))
  const before = process.memoryUsage()
  const output = running.output()[Symbol.asyncIterator]()
  expect((await output.next()).done).toBe(false)
  expect(await running.exited).toEqual({ code: 0 })
  const after = process.memoryUsage()
  expect(after.arrayBuffers + after.external - before.arrayBuffers - before.external).toBeLessThan(20_000_000)
  await output.return?.()
})

test('reading lets others have their turn', async () => {
  await using running = await bench.sandbox.spawn(bench.script('yes | head -c 30000000'))
  await running.exited
  let turns = 0
  let reading = true
  const takeTurn = () => void (reading && setImmediate(() => ((turns += 1), takeTurn())))
  takeTurn()
  const hash = createHash('sha256')
  for await (const { bytes } of running.output()) hash.update(bytes)
  reading = false
  expect(turns).toBeGreaterThan(5)
})

test('beyond its limit a program is stopped, and reading fails after the last byte allowed', async () => {
  await using small = await openBench({ outputBytes: 1_000_000 })
  await using running = await small.sandbox.spawn(small.script('yes & yes >&2; wait'))
  let size = 0
  const read = async () => {
    for await (const { bytes } of running.output()) size += bytes.length
  }
  await expect(read()).rejects.toMatchObject({ code: 'LIMIT_OUTPUT' })
  expect(size).toBe(1_000_000)
  expect(await running.exited).toMatchObject({ code: null })
  await waitFor(async () => (await findLeft(small.root)).length === 0 || undefined)
})

test('the limit holds when nobody reads, and for what is read again from an offset', async () => {
  await using small = await openBench({ outputBytes: 1_000_000 })
  await using running = await small.sandbox.spawn(small.script('trap "" TERM; yes'))
  expect(await running.exited).toMatchObject({ code: null })
  const read = running.output({ stdout: 999_000, stderr: 0 })[Symbol.asyncIterator]()
  expect((await read.next()).value?.bytes.length).toBe(1_000)
  await expect(read.next()).rejects.toMatchObject({ code: 'LIMIT_OUTPUT' })
})

test('exactly the limit is allowed', async () => {
  await using small = await openBench({ outputBytes: 10 })
  const request = small.script('printf 0123456789')
  await using running = await small.sandbox.spawn(request)
  expect((await finish(running)).stdout).toBe('0123456789')
  await appendFile(join(request.folder, 'err'), 'x')
  await expect(finish(running)).rejects.toMatchObject({ code: 'LIMIT_OUTPUT' })
})

test('output that was removed from the disk is a clear error', async () => {
  const request = bench.script('echo gone')
  await using running = await bench.sandbox.spawn(request)
  await running.exited
  await rm(join(request.folder, 'err'))
  await expect(finish(running)).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
})
