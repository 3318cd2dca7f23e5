import { execFile } from 'node:child_process'
import { rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Bench, findLeft, finish, openBench, PATH, readUntil } from './helpers.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(async () => {
  expect(await findLeft(bench.root)).toEqual([])
  await bench[Symbol.asyncDispose]()
})

test('a host without a descriptor left refuses a new process in clear words and loses none that runs', async () => {
  const request = bench.script('echo first; read line; echo "$line"; exit 3', { stdin: 'live' })
  const host = fileURLToPath(new URL('short-of-descriptors.ts', import.meta.url))
  const limited = ['-c', 'ulimit -n 60; exec "$@"', 'sh', process.execPath, host, JSON.stringify(request)]
  const { stdout } = await promisify(execFile)('/bin/sh', limited, { env: { PATH, HOME: bench.cwd } })
  expect(JSON.parse(stdout)).toEqual({
    refused: expect.stringContaining('ulimit -n'),
    stdout: 'first\ngo\n',
    exit: { code: 3 },
    end: expect.objectContaining({ code: null }), // a wrapper that has just begun may be killed before it can say more
  })
})

test('a folder removed by hand is a clear error for who reads, and nothing for who takes it up; the process is ended', async () => {
  const request = bench.script('echo ready; sleep 300', { stdin: 'live' })
  const running = await bench.sandbox.spawn(request)
  await readUntil(running, 'ready')
  await rm(request.folder, { recursive: true })
  expect(await bench.sandbox.attach(request.folder)).toBeUndefined()
  await expect(finish(running)).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
  await expect(running.write('x')).rejects.toMatchObject({ code: 'ABORTED' })
  expect(await running.stop()).toMatchObject({ code: null })
})

test('a program that puts its own folder out of reach harms nobody else', async () => {
  const request = bench.script('echo ready; read line', { stdin: 'live' })
  await using running = await bench.sandbox.spawn(request)
  await readUntil(running, 'ready')
  await rename(request.folder, `${request.folder}-moved`)
  await symlink(request.folder, request.folder) // a loop
  await writeFile(join(`${request.folder}-moved`, 'out'), 'a change that is noticed')
  await expect(finish(running)).rejects.toMatchObject({ code: 'DATA_DIR_UNUSABLE' })
  await unlink(request.folder)
  await running.stop(0)
})

test('an input that a killed host wrote only in part is the last, and the program is not taken up', async () => {
  const request = bench.script('while read line; do echo "${#line}"; done', { stdin: 'live' })
  await using running = await bench.sandbox.spawn(request)
  await running.write(`${'x'.repeat(3_000)}\n`)
  await readUntil(running, '3000')
  await writeFile(join(request.folder, 'in.part'), '') // as one leaves it
  expect(await bench.sandbox.attach(request.folder)).toBeUndefined()
  await expect(running.write('rest\n')).rejects.toMatchObject({ code: 'ABORTED' })
  await running.stop(0)
  expect((await finish(running)).stdout).toBe('3000\n')
})

test('a program that writes its own exit code has not ended, and holds up no other start', async () => {
  const forging = bench.script('echo 0 > "$TROUPE_PROCESS/exit"; echo forged; sleep 300', { stdin: 'live' })
  await using forger = await bench.sandbox.spawn(forging)
  let ended = false
  void forger.exited.then(() => (ended = true))
  await readUntil(forger, 'forged')
  await using other = await bench.sandbox.spawn(bench.script('echo there'))
  expect((await finish(other)).stdout).toBe('there\n')
  // What was written must have been noticed by now: the other one's end was.
  expect(ended).toBe(false)
  expect(await forger.stop()).toMatchObject({ signal: 'SIGTERM' })
})
