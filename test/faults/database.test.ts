/** The database is held by another program, or damaged: who asks is told, and nothing makes it worse. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  copyFileSync,
  existsSync,
  openSync,
  readFileSync,
  closeSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { openWorld, type World } from '../campaign/world.ts'
import { answer, answerUntilReview, begin, faultsOf, isAsked, refusal, until } from './scene.ts'

const HOLDER = fileURLToPath(new URL('locked-database.ts', import.meta.url))

async function holdDatabase({ home }: World): Promise<AsyncDisposable> {
  const holder = spawn(process.execPath, [HOLDER, join(home, 'troupe.db')], { stdio: ['pipe', 'pipe', 'inherit'] })
  await once(holder.stdout, 'data')
  return {
    async [Symbol.asyncDispose]() {
      holder.stdin.end()
      if (holder.exitCode === null) await once(holder, 'exit')
    },
  }
}

test('a database that another program holds for seconds is waited for, then said to be held; reading goes on', async () => {
  await using world = await openWorld()
  await world.host.start()
  const task = await begin(world, 'say 3 0; ask colour Which?; say 5 0.1; write one')
  await until(world, task, isAsked)
  {
    await using _holder = await holdDatabase(world)
    const answered = refusal(answer(world, task))
    // Others are served meanwhile.
    expect((await until(world, task, isAsked)).status).toBe('in_progress')
    expect((await answered).code).toBe('STORE_BUSY')
  }
  await answer(world, task)
  {
    await using _holder = await holdDatabase(world)
    await new Promise((resolve) => setTimeout(resolve, 1500)) // The agent goes on speaking.
  }
  await until(world, task, 'in_review')
  expect(await faultsOf(world, task)).toEqual([])
})

async function killedWithWork(world: World) {
  await world.host.start()
  const task = await begin(world, 'say 50 0; ask colour Which?; say 3 0; write one')
  await until(world, task, isAsked)
  await world.host.end('SIGKILL')
  return task
}

test('a damaged write-ahead log costs what was in it, not the database', async () => {
  await using world = await openWorld()
  await killedWithWork(world)
  const wal = join(world.home, 'troupe.db-wal')
  if (existsSync(wal)) {
    const file = openSync(wal, 'r+')
    writeSync(file, Buffer.alloc(64, 0x5a), 0, 64, Math.floor(statSync(wal).size / 2))
    closeSync(file)
  }
  expect(await world.host.start()).toEqual({ kind: 'serving' })
  const { tasks } = await world.host.client.call('listUnitTasks', {})
  for (const task of tasks) expect(await faultsOf(world, task)).toEqual([])
  const next = await begin(world, 'say 3 0; write two')
  await until(world, next, 'in_review')
  expect(await faultsOf(world, next)).toEqual([])
})

test('a truncated database is refused and left as it is; with a copy put back the work goes on', async () => {
  await using world = await openWorld()
  const task = await killedWithWork(world)
  const file = join(world.home, 'troupe.db')
  // What an orderly end leaves: all of it in one file.
  await world.host.start()
  await until(world, task, isAsked)
  await world.host.end('SIGTERM')
  copyFileSync(file, `${file}.copy`)
  truncateSync(file, Math.floor(statSync(file).size / 2 / 4096) * 4096)
  const damaged = readFileSync(file)

  const start = await world.host.start()
  expect(start).toMatchObject({ kind: 'ended', stderr: expect.stringMatching(/\[STORE_CORRUPT\]/) })
  await world.host.end('SIGKILL')
  expect(readFileSync(file).equals(damaged)).toBe(true)

  for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true })
  copyFileSync(`${file}.copy`, file)
  await world.host.start()
  await answerUntilReview(world, task)
  expect(await faultsOf(world, task)).toEqual([])
})
