import { existsSync, readdirSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { toProcessFolder } from '../../core/sandbox/process-folder.ts'
import { endProcesses } from '../../core/sandbox/end-processes.ts'
import { procTable } from '../../core/sandbox/process-table.ts'
import { Shell } from '../../core/sandbox/shell.ts'
import { Spawner } from '../../core/sandbox/spawner.ts'
import type { SandboxProcess } from '../../core/sandbox/types.ts'
import { type Bench, findLeft, finish, isAlive, openBench, PATH, readUntil, waitFor } from './helpers.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(async () => {
  expect(await findLeft(bench.root)).toEqual([])
  await bench[Symbol.asyncDispose]()
})

/** The process that started the wrapper. */
const parentOf = async ({ pid }: SandboxProcess): Promise<number> =>
  (await procTable.scan()).find((entry) => entry.pid === pid)!.ppid

test('one shell starts all; it can be killed, what it started lives on, and the next start has a new one', async () => {
  await using first = await bench.sandbox.spawn(bench.script('read line; echo "$line"', { stdin: 'live' }))
  await using second = await bench.sandbox.spawn(bench.script('sleep 300'))
  const spawner = await parentOf(first)
  expect(spawner).not.toBe(process.pid)
  expect(await parentOf(second)).toBe(spawner)
  process.kill(spawner, 'SIGKILL')
  await waitFor(async () => !(await isAlive(spawner)) || undefined)
  await using third = await bench.sandbox.spawn(bench.script('sleep 300'))
  expect([spawner, process.pid]).not.toContain(await parentOf(third))
  await first.write('still heard\n')
  expect((await finish(first)).stdout).toBe('still heard\n')
})

test('a start that is under way when the shell is killed fails and leaves nothing', async () => {
  await using spawner = new Spawner()
  const toRequest = (name: string) => {
    const folder = toProcessFolder(join(bench.root, 'session', name))
    return { folder, program: '/bin/sleep', args: ['300'], env: { PATH }, cwd: '/', stdin: 'none' as const }
  }
  const [first, second] = [toRequest('first'), toRequest('second')]
  for (const { folder } of [first, second]) await mkdir(folder.path, { recursive: true })
  const { pid } = await spawner.start(first)
  const shell = (await procTable.scan()).find((entry) => entry.pid === pid)!.ppid
  process.kill(shell, 'SIGSTOP')
  const starting = expect(spawner.start(second)).rejects.toThrow('has ended')
  await setImmediate()
  process.kill(shell, 'SIGKILL')
  await starting
  expect(await findLeft(second.folder.path)).toEqual([])
  expect(existsSync(second.folder.out)).toBe(false)
  const condemned = { wrappers: [], marked: (marker: string) => marker === first.folder.path }
  expect((await endProcesses(procTable, condemned, 0)).left).toEqual([])
})

test('nothing is run of an order that did not arrive whole', async () => {
  const file = join(bench.cwd, 'never')
  const shell = new Shell()
  shell.tell(`{ : >'${file}'\n: >'${file}'\n`)
  await shell[Symbol.asyncDispose]()
  expect(shell.alive).toBe(false)
  expect(existsSync(file)).toBe(false)
  await expect(shell.ask((tag) => `echo ${tag} yes\n`)).rejects.toThrow('has ended')
})

test('no zombie is left of what has ended', async () => {
  await using running = await bench.sandbox.spawn(bench.script('sleep 300'))
  const spawner = await parentOf(running)
  const short = await Promise.all(Array.from({ length: 20 }, () => bench.sandbox.spawn(bench.request('true'))))
  await Promise.all(short.map(({ exited }) => exited))
  const isOurs = ({ ppid, pid }: { ppid: number; pid: number }) => ppid === spawner && pid !== running.pid
  await waitFor(async () => !(await procTable.scan()).some(isOurs) || undefined)
})

test('any text reaches the program as it is', async () => {
  const letters = Array.from({ length: 0x300 - 1 }, (_, index) => String.fromCodePoint(index + 1)).join('')
  const env = { PATH, LETTERS: letters, QUOTES: `'"'\\''\n'`, LONG: 'ü'.repeat(50_000), LC_ALL: 'no_SUCH', CDPATH: '/' }
  const cwd = join(bench.cwd, `it's a\n"folder" `)
  await mkdir(cwd)
  const args = [letters, `'; echo evil; '`, '\n', '$(echo evil)']
  const print = ['-e', 'console.log(JSON.stringify([process.env, process.argv.slice(1), process.cwd()]))', '--']
  const request = bench.request(process.execPath, [...print, ...args], { env, cwd })
  await using running = await bench.sandbox.spawn(request)
  const { stdout, stderr } = await finish(running)
  expect(stderr).toBe('')
  expect(JSON.parse(stdout)).toEqual([{ ...env, TROUPE_PROCESS: request.folder }, args, cwd])
})

test('variables and text of a request are in no command line of the host or its shell', async () => {
  const request = bench.script('sleep 300', { env: { PATH, TOKEN: 'a-secret-value' } })
  await using running = await bench.sandbox.spawn(request)
  for (const pid of [running.pid, await parentOf(running)])
    expect(await readFile(`/proc/${pid}/cmdline`, 'utf8')).not.toContain('a-secret-value')
  const files = await Promise.all(
    readdirSync(request.folder).map((name) => readFile(join(request.folder, name), 'utf8')),
  )
  expect(files.join('')).not.toContain('a-secret-value')
})

test('where the system lacks the tools, the host starts each wrapper itself', async () => {
  const tools = await mkdtemp(join(tmpdir(), 'sandbox-tools-'))
  for (const name of ['env', 'mkfifo']) await symlink(`/usr/bin/${name}`, join(tools, name))
  const spawner = new Spawner(tools)
  const folder = toProcessFolder(join(bench.root, 'session', 'alone'))
  await mkdir(folder.path, { recursive: true })
  const enough = join(bench.cwd, 'enough')
  const args = ['-c', `until [ -e '${enough}' ]; do sleep 0.05; done`]
  const start = () => spawner.start({ folder, program: '/bin/sh', args, env: { PATH }, cwd: '/', stdin: 'live' })
  const { pid } = await start()
  expect((await procTable.scan()).find((entry) => entry.pid === pid)).toMatchObject({ ppid: process.pid, sid: pid })
  await writeFile(enough, '')
  await waitFor(async () => (await readFile(folder.exit, 'utf8')) || undefined)
  expect(await readFile(folder.exit, 'utf8')).toBe('0\n')
  await rm(folder.path, { recursive: true })
  await expect(start()).rejects.toThrow('status')
  await spawner[Symbol.asyncDispose]()
  await expect(start()).rejects.toMatchObject({ code: 'ABORTED' })
  await rm(tools, { recursive: true })
})

test('a process that runs, is read and was written to holds no descriptor of the host', async () => {
  const count = () => readdirSync('/proc/self/fd').length
  await using first = await bench.sandbox.spawn(bench.request('cat', [], { stdin: 'live' }))
  await first.write('warm\n')
  await readUntil(first, 'warm')
  const before = count()
  const all = await Promise.all(
    Array.from({ length: 20 }, () => bench.sandbox.spawn(bench.request('cat', [], { stdin: 'live' }))),
  )
  const outputs = all.map((running) => running.output()[Symbol.asyncIterator]())
  for (const running of all) await running.write('hello\n')
  for (const output of outputs) expect((await output.next()).value?.bytes.toString()).toBeDefined()
  await expect.poll(count).toBeLessThanOrEqual(before)
  for (const running of all) await running.stop(0)
})
