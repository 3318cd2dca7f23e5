import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../core/base/clock.ts'
import { silentLogger } from '../../core/base/logger.ts'
import { openArchive } from '../../core/log/archive.ts'
import { openSessionLog } from '../../core/log/session-log.ts'
import { getSession } from '../../core/store/sessions.ts'
import { openStore } from '../../core/store/open-store.ts'
import type { Store } from '../../core/store/store.ts'
import { deleteTask } from '../../core/store/tasks.ts'
import { describeEachDatabase, sqlite } from '../helpers/databases.ts'
import { deps, openSample } from '../store/sample.ts'
import { codeOf, collect, numbers } from './collector.ts'
import {
  addFinished,
  addLarge,
  type ArchiveFolder,
  fill,
  finish,
  openArchiveFolder,
  retentionOf,
} from './finished-sessions.ts'
import { intercept, stored } from './opened-log.ts'

const openLogOn = (store: Store, { archive }: ArchiveFolder) =>
  openSessionLog({ store, archive, clock: systemClock, logger: silentLogger })

const recordOf = (store: Store, sessionId: string) => store.read((tx) => getSession(tx, sessionId))

await describeEachDatabase('retention', (databases) => {
  it('archives the logs of finished tasks, which are read, followed and searched as before', async () => {
    await using sample = await openSample(databases)
    await using folder = await openArchiveFolder()
    const { store } = sample
    const task = await sample.addTask()
    const { id } = await sample.addSession(task)
    await fill(store, id, 1, 1234)
    const whole = await addLarge(store, id, 1235)
    await finish(store, { sessionId: id, taskId: task.id, status: 'done' })
    await using log = openLogOn(store, folder)
    const pageAt = async (after: number) => (await log.page({ sessionId: id, after, limit: 3 })).map(({ json }) => json)
    const before = await Promise.all([0, 499, 700, 1233, 1235].map(pageAt))
    await using retention = retentionOf(store, folder.archive)

    expect(await retention.run()).toMatchObject({ archived: 1, dropped: 0 })

    expect(await stored(store, id)).toEqual([])
    expect(await recordOf(store, id)).toMatchObject({ lastSeq: 1235, retired: 'archived' })
    expect(statSync(folder.fileOf(id)).mode & 0o777).toBe(0o600)
    expect((await Promise.all([0, 499, 700, 1233, 1235].map(pageAt))).map((page) => page[0])).toEqual(
      before.map((page) => page[0]),
    )
    expect(await log.body({ sessionId: id, seq: 1235 })).toBe(whole)
    expect(await log.body({ sessionId: id, seq: 7 })).toMatch(/^\{"type":"text","content":"message number 7 /)
    const subscriber = collect()
    log.subscribe({ sessionId: id, after: 0 }, subscriber)
    expect(await subscriber.over()).toMatchObject({ reason: 'ended', resumeFrom: 1235 })
    expect(subscriber.seqs).toEqual(numbers(1, 1235))
    const { signal } = new AbortController()
    const found = await log.search({ sessionId: id, text: 'NUMBER 999 ', after: 0, limit: 9, signal })
    expect(found.entries.map(({ seq }) => seq)).toEqual([999])
    // The file is what it says it is: any program reads it.
    const lines = gunzipSync(await readFile(folder.fileOf(id)))
      .toString()
      .trimEnd()
      .split('\n')
    expect(lines).toHaveLength(1236)
    expect(lines.slice(0, 3)).toEqual(before[0])
  })

  it('leaves alone every task that is not done, and one that rests for less than the time set', async () => {
    await using sample = await openSample(databases)
    await using folder = await openArchiveFolder()
    const statuses = [
      'draft',
      'queued',
      'in_progress',
      'in_review',
      'approved',
      'pr_open',
      'stopped',
      'failed',
    ] as const
    const kept = await Promise.all(statuses.map((status) => addFinished(sample, 3, status)))
    const rejected = await addFinished(sample, 3, 'rejected')
    await using patient = retentionOf(sample.store, folder.archive, { afterMs: 3_600_000, maxBytes: 0 })
    expect(await patient.run()).toMatchObject({ archived: 0 })
    await using retention = retentionOf(sample.store, folder.archive)
    expect(await retention.run()).toMatchObject({ archived: 1 })
    expect(await recordOf(sample.store, rejected)).toMatchObject({ retired: 'archived' })
    for (const id of kept) expect(await stored(sample.store, id)).toEqual([1, 2, 3])
  })

  it('drops logs when it is told to, and says so to whoever asks for one', async () => {
    await using sample = await openSample(databases)
    await using folder = await openArchiveFolder()
    const id = await addFinished(sample, 10)
    await using retention = retentionOf(sample.store, folder.archive, { mode: 'drop' })
    expect(await retention.run()).toMatchObject({ archived: 0, dropped: 1 })
    expect(await recordOf(sample.store, id)).toMatchObject({ lastSeq: 10, retired: 'dropped' })
    await using log = openLogOn(sample.store, folder)
    expect(await log.page({ sessionId: id, after: 0, limit: 9 }).catch(codeOf)).toBe('LOG_DROPPED')
    expect(await log.body({ sessionId: id, seq: 1 }).catch(codeOf)).toBe('LOG_DROPPED')
    const subscriber = collect()
    log.subscribe({ sessionId: id, after: 4 }, subscriber)
    expect(await subscriber.over()).toMatchObject({ reason: 'failed', resumeFrom: 4, error: { code: 'LOG_DROPPED' } })
    expect(readdirSync(folder.path)).toEqual([])
  })

  it('takes the logs that rest longest first, until the database is as small as it was told', async () => {
    await using sample = await openSample(databases)
    await using folder = await openArchiveFolder()
    const ids = [await addFinished(sample, 2000), await addFinished(sample, 2000), await addFinished(sample, 2000)]
    const used = await sample.store.usedBytes()
    await using retention = retentionOf(sample.store, folder.archive, { afterMs: 0, maxBytes: used - 100_000 })
    const result = await retention.run()
    expect(result).toMatchObject({ archived: 1 })
    expect(result.usedBytes).toBeLessThan(used - 100_000)
    const fates = await Promise.all(ids.map(async (id) => (await recordOf(sample.store, id))?.retired))
    expect(fates).toEqual(['archived', undefined, undefined])
    expect(await retention.run()).toMatchObject({ archived: 0 })
  })

  it('serves a subscriber without a gap while the log under it is archived', async () => {
    await using sample = await openSample(databases)
    await using folder = await openArchiveFolder()
    const id = await addFinished(sample, 6000)
    await using log = openLogOn(sample.store, folder)
    await using retention = retentionOf(sample.store, folder.archive)
    const reached = Promise.withResolvers<void>()
    const archived = Promise.withResolvers<void>()
    const subscriber = collect(0, async () => {
      if ((subscriber.seqs.at(-1) ?? 0) < 1000) return
      reached.resolve()
      await archived.promise
    })
    log.subscribe({ sessionId: id, after: 0 }, subscriber)
    await reached.promise
    await retention.run()
    archived.resolve()
    await subscriber.over()
    expect(subscriber.seqs).toEqual(numbers(1, 6000))
  })

  it('gives up between two transactions when the host ends, and another run finishes it', async () => {
    await using sample = await openSample(databases)
    await using folder = await openArchiveFolder()
    const id = await addFinished(sample, 3500)
    const counted = intercept(sample.store, (count) => void (count === 3 && void closing()))
    const ended = retentionOf(counted.store, folder.archive)
    const closing = () => ended[Symbol.asyncDispose]()
    expect(await ended.run().catch(codeOf)).toBe('ABORTED')
    const left = await stored(sample.store, id)
    expect(left).toEqual(numbers(2001, 3500))
    await using log = openLogOn(sample.store, folder)
    expect((await log.page({ sessionId: id, after: 0, limit: 1 }))[0]?.seq).toBe(1)
    await using retention = retentionOf(sample.store, folder.archive)
    await retention.run()
    expect(await stored(sample.store, id)).toEqual([])
  })

  it('keeps the log when its archive cannot be written', async () => {
    await using sample = await openSample(databases)
    await using folder = await openArchiveFolder()
    const id = await addFinished(sample, 5)
    const inTheWay = `${folder.path}/file`
    writeFileSync(inTheWay, '')
    await using retention = retentionOf(sample.store, openArchive(inTheWay))
    await expect(retention.run()).rejects.toMatchObject({
      code: 'LOG_ARCHIVE',
      message: expect.stringContaining(inTheWay),
    })
    expect(await stored(sample.store, id)).toEqual(numbers(1, 5))
    expect(await recordOf(sample.store, id)).not.toHaveProperty('retired')
  })

  it('leaves a log that cannot be archived, and archives all others', async () => {
    await using sample = await openSample(databases)
    await using folder = await openArchiveFolder()
    const [before, stuck, after] = [
      await addFinished(sample, 5),
      await addFinished(sample, 5),
      await addFinished(sample, 5),
    ]
    mkdirSync(folder.fileOf(stuck))
    await using retention = retentionOf(sample.store, folder.archive)
    const refused = { code: 'LOG_ARCHIVE', message: expect.stringContaining(folder.fileOf(stuck)) }
    await expect(retention.run()).rejects.toMatchObject(refused)
    expect(await stored(sample.store, stuck)).toEqual(numbers(1, 5))
    for (const id of [before, after]) expect(await recordOf(sample.store, id)).toMatchObject({ retired: 'archived' })
    await expect(retention.run()).rejects.toMatchObject(refused)
    rmdirSync(folder.fileOf(stuck))
    expect(await retention.run()).toMatchObject({ archived: 1 })
  })

  it('names an archive that is damaged or gone', async () => {
    await using sample = await openSample(databases)
    await using folder = await openArchiveFolder()
    const id = await addFinished(sample, 2000)
    await using retention = retentionOf(sample.store, folder.archive)
    await retention.run()
    await using log = openLogOn(sample.store, folder)
    truncateSync(folder.fileOf(id), statSync(folder.fileOf(id)).size - 50)
    expect(await log.page({ sessionId: id, after: 0, limit: 1 })).toHaveLength(1)
    const read = log.page({ sessionId: id, after: 1999, limit: 1 })
    await expect(read).rejects.toMatchObject({
      code: 'LOG_ARCHIVE',
      message: expect.stringContaining(folder.fileOf(id)),
    })
    await retention.discard([id])
    expect(existsSync(folder.fileOf(id))).toBe(false)
    expect(await log.page({ sessionId: id, after: 0, limit: 1 }).catch(codeOf)).toBe('LOG_ARCHIVE')
  })

  it('forgets a log with its task', async () => {
    await using sample = await openSample(databases)
    await using folder = await openArchiveFolder()
    const id = await addFinished(sample, 5)
    await using retention = retentionOf(sample.store, folder.archive)
    await retention.run()
    const session = await recordOf(sample.store, id)
    await sample.store.transaction((tx) => deleteTask(tx, session?.unitTaskId ?? ''))
    await using log = openLogOn(sample.store, folder)
    expect(await log.page({ sessionId: id, after: 0, limit: 1 })).toEqual([])
  })
})

describe('the file of an SQLite database', () => {
  it('shrinks when logs leave it', async () => {
    await using database = await sqlite.create()
    await using sample = await openSample({ driver: 'sqlite', create: async () => database })
    await using folder = await openArchiveFolder()
    const ids = await Promise.all([addFinished(sample, 10_000), addFinished(sample, 10_000)])
    await using retention = retentionOf(sample.store, folder.archive)
    const before = await sample.store.usedBytes()
    expect(before).toBeGreaterThan(20_000 * 150)
    const { usedBytes } = await retention.run()
    const size = () => statSync(database.options.file).size
    expect(usedBytes).toBeLessThan(before / 5)
    expect(size()).toBe(usedBytes)
    expect(readdirSync(folder.path)).toHaveLength(ids.length)
    await sample.store.check()
  })
})

describe('a host that is killed while it archives', () => {
  it('has the whole log at any instant, and nothing half', async () => {
    await using database = await sqlite.create()
    await using folder = await openArchiveFolder()
    await using created = await openSample({
      driver: 'sqlite',
      create: async () => ({ ...database, async [Symbol.asyncDispose]() {} }),
    })
    const ids = [await addFinished(created, 1200), await addFinished(created, 400)]
    await created[Symbol.asyncDispose]()
    let killed = 0
    for (let ended: string | undefined; ended !== 'done'; killed += ended === 'killed' ? 1 : 0) {
      ended = archiveAndDie(database.options.file, folder.path)
      await using store = await openStore(database.options, deps)
      await store.check()
      await using log = openLogOn(store, folder)
      for (const [index, last] of [1200, 400].entries()) {
        const subscriber = collect()
        log.subscribe({ sessionId: ids[index] ?? '', after: 0 }, subscriber)
        expect(await subscriber.over()).toMatchObject({ reason: 'ended', resumeFrom: last })
        expect(subscriber.seqs).toEqual(numbers(1, last))
      }
    }
    // While a file is written, before and after its note, before and after a slice.
    expect(killed).toBeGreaterThan(5)
    expect(readdirSync(folder.path).toSorted()).toEqual(ids.map((id) => `${id}.ndjson.gz`).toSorted())
  })
})

/** Runs retention in a process that is killed at the first place where no run of it was before. */
function archiveAndDie(database: string, folder: string): string {
  const program = new URL('retention-that-dies.ts', import.meta.url)
  const { status, signal, stderr } = spawnSync(process.execPath, [program.pathname, database, folder], {
    env: { PATH: process.env['PATH'] },
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (status !== 0 && signal !== 'SIGKILL') throw new Error(stderr)
  return signal === 'SIGKILL' ? 'killed' : 'done'
}
