import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { silentLogger } from '../../core/base/logger.ts'
import { endOrphans } from '../../core/sandbox/orphans.ts'
import { procTable } from '../../core/sandbox/process-table.ts'
import type { SpawnRequest } from '../../core/sandbox/types.ts'
import { type Bench, findLeft, finish, isAlive, openBench, PATH, readUntil, waitFor } from './helpers.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(async () => {
  expect(await findLeft(bench.root)).toEqual([])
  await bench[Symbol.asyncDispose]()
})

const end = () => endOrphans(bench.root, { logger: silentLogger, graceMs: 300 })

/** Lets another host spawn the requests, and kills that host; answers the process that spawned them. */
async function spawnAndKillHost(...requests: readonly SpawnRequest[]): Promise<number> {
  const script = fileURLToPath(new URL('host.ts', import.meta.url))
  const env = { PATH, HOME: bench.cwd }
  const args = [script, ...requests.map((request) => JSON.stringify(request))]
  const host = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const [text] = await once(host.stdout, 'data')
  host.kill('SIGKILL')
  await once(host, 'exit')
  return Number(text)
}

test('an agent outlives its host, loses no byte and dies of nothing', async () => {
  const script = 'n=0; while [ $n -lt 200 ]; do n=$((n+1)); echo "line $n"; sleep 0.002; done; exit 5'
  const request = bench.script(script)
  await spawnAndKillHost(request)
  await using running = (await bench.sandbox.attach(request.folder))!
  const { stdout, exit } = await finish(running)
  expect(stdout).toBe(Array.from({ length: 200 }, (_, index) => `line ${index + 1}\n`).join(''))
  expect(exit).toEqual({ code: 5 })
})

test('a new host takes a process up: output from an offset, live input, stop with descendants', async () => {
  const script = 'setsid sleep 300 & echo first; while read line; do echo "got $line"; done'
  const request = bench.script(script, { stdin: 'live' })
  await spawnAndKillHost(request)
  await symlink(request.folder, join(bench.cwd, 'link'))
  const running = (await bench.sandbox.attach(join(bench.cwd, 'link')))!
  await readUntil(running, 'first')
  await running.write('a line\n')
  const output = running.output({ stdout: 'first\n'.length, stderr: 0 })[Symbol.asyncIterator]()
  expect(Buffer.from((await output.next()).value!.bytes).toString()).toBe('got a line\n')
  await output.return?.()
  expect(await running.stop()).toEqual({ code: null, signal: 'SIGTERM' })
  expect(await findLeft(bench.root)).toEqual([])
})

test('a process taken up whose wrapper is killed counts as killed', async () => {
  const request = bench.script('sleep 300')
  await spawnAndKillHost(request)
  await using running = (await bench.sandbox.attach(request.folder))!
  process.kill(running.pid, 'SIGKILL')
  expect(await running.exited).toMatchObject({ code: null, signal: 'SIGKILL' })
})

test('a folder without a record is not taken up', async () => {
  expect(await bench.sandbox.attach(join(bench.root, 'session', 'never'))).toBeUndefined()
})

test('orphans are ended with all descendants, from all folders, with and without a record', async () => {
  const daemon = 'trap "" TERM; while :; do sleep 0.05; done'
  const requests = [1, 2, 3].map(() => bench.script(`(setsid sh -c '${daemon}' &); ${daemon}`))
  for (const request of requests) await spawnAndKillHost(request)
  await rm(join(requests[1]!.folder, 'process.json'))
  await rm(requests[2]!.folder, { recursive: true })
  const alive = await waitFor(async () => {
    const found = await findLeft(bench.root)
    return found.length >= 9 ? found : undefined // each: wrapper, program, daemon
  })
  const { ended, left } = await end()
  expect(left).toEqual([])
  expect(ended.length).toBeGreaterThanOrEqual(9)
  for (const pid of alive) expect(await isAlive(pid)).toBe(false)
  expect(await end()).toEqual({ ended: [], left: [] })
})

test('what runs in a folder that is kept is not touched, with and without a record, at both levels', async () => {
  const inSession = (session: string, process: string) =>
    bench.script('setsid sleep 300 & echo ready; sleep 300', { folder: join(bench.root, session, process) })
  const [kept, unheard, other] = [inSession('kept', '0'), inSession('kept', '1'), inSession('kept-not', '0')]
  for (const request of [kept, unheard, other]) await spawnAndKillHost(request)
  await rm(join(unheard.folder, 'process.json'))
  const endExcept = (root: string, name: string) =>
    endOrphans(root, { logger: silentLogger, graceMs: 300, keep: (folder) => folder === name })

  expect((await endExcept(bench.root, 'kept')).left).toEqual([])
  expect(await findLeft(other.folder)).toEqual([])
  for (const { folder } of [kept, unheard]) expect(await findLeft(folder)).not.toEqual([])

  expect((await endExcept(join(bench.root, 'kept'), '0')).left).toEqual([])
  expect(await findLeft(unheard.folder)).toEqual([])
  await using adopted = (await bench.sandbox.attach(kept.folder))!
  await readUntil(adopted, 'ready')
  expect(await isAlive(adopted.pid)).toBe(true)
})

test('the spawner of a killed host ends with it, and what it was still to start is not started', async () => {
  const started = join(bench.cwd, 'started')
  const [request, late] = [bench.script('sleep 300'), bench.script(`: >'${started}'; sleep 300`)]
  const spawner = await spawnAndKillHost(request, late)
  process.kill(spawner, 'SIGCONT')
  await waitFor(async () => !(await isAlive(spawner)) || undefined)
  await waitFor(async () => (await findLeft(late.folder)).length === 0 || undefined)
  expect(existsSync(started)).toBe(false)
  expect(await findLeft(request.folder)).not.toEqual([])
  expect(await bench.sandbox.attach(late.folder)).toBeUndefined()
  await using running = (await bench.sandbox.attach(request.folder))!
  await running.stop(0)
})

test('a recorded process id that now belongs to another program is left alone', async () => {
  const innocent = spawn('/bin/sleep', ['300'], { env: { PATH }, stdio: 'ignore', detached: true })
  await once(innocent, 'spawn')
  try {
    const { startTime } = (await procTable.identify(innocent.pid!))!
    const folder = join(bench.root, 'session', 'reused')
    await mkdir(folder, { recursive: true })
    const record = { version: 1, pid: innocent.pid, program: 'sleep', liveInput: false, spawnedAt: 0 }
    for (const time of [`${startTime}0`, 'another-boot/5']) {
      await writeFile(join(folder, 'process.json'), JSON.stringify({ ...record, startTime: time }))
      expect(await end()).toEqual({ ended: [], left: [] })
      await using attached = (await bench.sandbox.attach(folder))!
      expect(await attached.stop(0)).toMatchObject({ code: null, signal: 'SIGKILL' })
    }
    expect(innocent.exitCode ?? innocent.signalCode).toBeNull()
    expect(await isAlive(innocent.pid!)).toBe(true)
  } finally {
    innocent.kill('SIGKILL')
  }
})

test('a damaged record, a missing root and strange entries are passed over', async () => {
  for (const [name, text] of Object.entries({ half: '{"version":1,"pid":', other: '{"pid":-1}', list: '[]' })) {
    const folder = join(bench.root, 'session', name)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, 'process.json'), text)
  }
  await writeFile(join(bench.root, 'file'), '')
  expect(await end()).toEqual({ ended: [], left: [] })
  const nowhere = join(bench.root, 'missing')
  expect(await endOrphans(nowhere, { logger: silentLogger })).toEqual({ ended: [], left: [] })
})

test('a pipe, a link or a huge file that a program puts in the place of its record holds up nobody', async () => {
  const record = '"$TROUPE_PROCESS/process.json"'
  for (const trick of [`mkfifo ${record}`, `ln -s /dev/zero ${record}`, `truncate -s 1500000000 ${record}`]) {
    const request = bench.script(`until [ -f ${record} ]; do sleep 0.01; done; rm ${record} && ${trick}`)
    const running = await bench.sandbox.spawn(request)
    await finish(running)
    // The wrapper writes the exit code a moment before it is gone itself.
    await waitFor(async () => ((await isAlive(running.pid)) ? undefined : true))
    expect(await bench.sandbox.attach(request.folder)).toBeUndefined()
    expect(await end()).toEqual({ ended: [], left: [] })
  }
})

test('the record names the wrapper', async () => {
  const request = bench.script('sleep 300')
  await using running = await bench.sandbox.spawn(request)
  const record: unknown = JSON.parse(await readFile(join(request.folder, 'process.json'), 'utf8'))
  expect(record).toMatchObject({ pid: running.pid, ...(await procTable.identify(running.pid)), program: '/bin/sh' })
})
