import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { newId } from '../../core/base/ids.ts'
import { openStore } from '../../core/store/open-store.ts'
import { checkSqliteFile } from '../../core/store/sqlite-connection.ts'
import type { StoreOptions } from '../../core/store/store.ts'
import { makeTurns } from '../../core/store/turns.ts'
import { insertWorkspace, listWorkspaces } from '../../core/store/workspaces.ts'
import { sqlite } from '../helpers/databases.ts'
import { deps } from './sample.ts'

describe('an SQLite database', () => {
  it('and all files beside it are for their owner only', async () => {
    await using database = await sqlite.create()
    await using store = await openStore(database.options, deps)
    await store.transaction((tx) => insertWorkspace(tx, { id: newId(), name: 'one' }))
    const modes = readdirSync(database.folder).map((name) => [
      name,
      statSync(`${database.folder}/${name}`).mode & 0o777,
    ])
    expect(modes).toEqual([
      ['troupe.db', 0o600],
      ['troupe.db-shm', 0o600],
      ['troupe.db-wal', 0o600],
    ])
  })

  it('is written through to the disk and keeps its foreign keys', async () => {
    await using database = await sqlite.create()
    await using store = await openStore(database.options, deps)
    const pragma = (name: string) => store.transaction((tx) => tx.get<Record<string, unknown>>(`pragma ${name}`))
    expect(await pragma('journal_mode')).toEqual({ journal_mode: 'wal' })
    expect(await pragma('synchronous')).toEqual({ synchronous: 2 })
    expect(await pragma('foreign_keys')).toEqual({ foreign_keys: 1 })
    expect(await pragma('busy_timeout')).toEqual({ timeout: 0 })
  })

  it('that another process holds locked is STORE_BUSY', async () => {
    await using database = await sqlite.create()
    await using store = await openStore({ ...database.options, busyTimeoutMs: 50 }, deps)
    await using holder = await holdLock(database.options.file)
    const waiting = store.transaction((tx) => insertWorkspace(tx, { id: newId(), name: 'one' }))
    await expect(waiting).rejects.toMatchObject({ code: 'STORE_BUSY' })
    await holder[Symbol.asyncDispose]()
    await store.transaction((tx) => insertWorkspace(tx, { id: newId(), name: 'two' }))
    expect(await store.read(listWorkspaces)).toHaveLength(1)
  })

  it('that another process holds for a while is waited for, and the thread goes on meanwhile', async () => {
    await using database = await sqlite.create()
    await using store = await openStore(database.options, deps)
    await using holder = await holdLock(database.options.file)
    let ticks = 0
    const timer = setInterval(() => (ticks += 1), 1)
    const waiting = store.transaction((tx) => insertWorkspace(tx, { id: newId(), name: 'one' }))
    await expect.poll(() => ticks).toBeGreaterThan(50)
    clearInterval(timer)
    expect(await store.read(listWorkspaces)).toEqual([])
    await holder[Symbol.asyncDispose]()
    await waiting
    expect(await store.read(listWorkspaces)).toHaveLength(1)
  })

  it('that is no database is STORE_CORRUPT', async () => {
    await using database = await sqlite.create()
    writeFileSync(database.options.file, 'this is a text and not a database at all. '.repeat(200))
    await expect(openStore(database.options, deps)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  it('with pages overwritten fails its check with STORE_CORRUPT', async () => {
    await using database = await sqlite.create()
    {
      await using store = await openStore(database.options, deps)
      for (let i = 0; i < 200; i += 1) {
        await store.transaction((tx) => insertWorkspace(tx, { id: newId(), name: 'x'.repeat(1000) }))
      }
    }
    truncateSync(database.options.file, statSync(database.options.file).size - 100 * 1024)
    await expect(openAndCheck(database.options)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  it('is checked from another program without holding up its host', async () => {
    await using database = await sqlite.create()
    await using store = await openStore(database.options, deps)
    await store.transaction((tx) => insertWorkspace(tx, { id: newId(), name: 'one' }))
    await checkSqliteFile(database.options.file)
    await store[Symbol.asyncDispose]()
    writeFileSync(database.options.file, Buffer.alloc(4096, 'no pages'), { flag: 'r+' })
    await expect(checkSqliteFile(database.options.file)).rejects.toMatchObject({ code: 'STORE_CORRUPT' })
  })

  it('of an older form is rebuilt when it is opened, once, with all that is in it', async () => {
    await using database = await sqlite.create()
    const { file } = database.options
    using old = new DatabaseSync(file)
    old.exec(
      'pragma page_size = 4096; pragma journal_mode = wal; create table kept (text); insert into kept values (1)',
    )
    old.close()
    for (const opening of ['first', 'second']) {
      await using store = await openStore(database.options, deps)
      const form = await store.transaction(async (tx) => [
        await tx.get('pragma page_size'),
        await tx.get('pragma auto_vacuum'),
        await tx.get('pragma journal_mode'),
      ])
      expect([opening, ...form]).toEqual([opening, { page_size: 2048 }, { auto_vacuum: 2 }, { journal_mode: 'wal' }])
      expect(await store.read((tx) => tx.all('select text from kept'))).toEqual([{ text: 1 }])
    }
  })

  it('gives back the room of what was deleted, and keeps its write-ahead log small', async () => {
    await using database = await sqlite.create()
    await using store = await openStore(database.options, deps)
    for (let i = 0; i < 60; i += 1) {
      await store.transaction((tx) => insertWorkspace(tx, { id: newId(), name: 'x'.repeat(500_000) }))
    }
    const size = (suffix = '') => statSync(`${database.options.file}${suffix}`).size
    expect(size('-wal')).toBeLessThan(20_000_000)
    await store.transaction((tx) => tx.run('delete from workspace'))
    while (await store.shrink());
    expect(size()).toBeLessThan(1_000_000)
    expect(size()).toBe(await store.usedBytes())
    expect(size('-wal')).toBe(0)
    await store.check()
  })

  it('in a place that cannot be written is STORE_FAILED', async () => {
    await using database = await sqlite.create()
    const missing = { driver: 'sqlite' as const, file: `${database.folder}/missing/troupe.db` }
    await expect(openStore(missing, deps)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    const folder = { driver: 'sqlite' as const, file: `${database.folder}/folder` }
    await mkdir(folder.file)
    await expect(openStore(folder, deps)).rejects.toMatchObject({ code: 'STORE_FAILED' })
  })

  it('on a full disk is STORE_FAILED, keeps nothing of that transaction, and goes on', async () => {
    await using database = await sqlite.create()
    await using store = await openStore(database.options, deps)
    const addLarge = (name: string, length: number) =>
      store.transaction(async (tx) => {
        await insertWorkspace(tx, { id: newId(), name })
        await insertWorkspace(tx, { id: newId(), name: 'x'.repeat(length) })
      })
    const limit = (pages: string) => store.transaction((tx) => tx.get(`pragma max_page_count = ${pages}`))
    await limit('80')
    await expect(addLarge('one', 1_000_000)).rejects.toMatchObject({ code: 'STORE_FAILED' })
    await addLarge('two', 10)
    expect((await store.read(listWorkspaces)).map((workspace) => workspace.name)).toEqual(['two', 'x'.repeat(10)])
  })
})

describe('turns', () => {
  it('are given up with STORE_BUSY when one waits for another inside of itself, and go on after it', async () => {
    const turns = makeTurns(50)
    const inner = turns.run(() => turns.run(async () => 'never'))
    await expect(inner).rejects.toMatchObject({ code: 'STORE_BUSY' })
    expect(await turns.run(async () => 'next')).toBe('next')
  })

  it('are waited for at the end, but not for ever', async () => {
    const turns = makeTurns(50)
    const order: string[] = []
    void turns.run(async () => void order.push('work'))
    await turns.idle()
    order.push('end')
    expect(order).toEqual(['work', 'end'])
    void turns.run(() => new Promise(() => {}))
    await turns.idle()
  })
})

async function openAndCheck(options: StoreOptions): Promise<void> {
  await using store = await openStore(options, deps)
  await store.check()
}

/** Another process inside of a write transaction. */
async function holdLock(file: string): Promise<AsyncDisposable> {
  const script = `
    const { DatabaseSync } = require('node:sqlite')
    const database = new DatabaseSync(process.argv[1])
    database.exec('begin immediate')
    console.log('locked')
    process.stdin.resume().on('end', () => process.exit())`
  const child = spawn(process.execPath, ['-e', script, file], { stdio: ['pipe', 'pipe', 'ignore'], env: {} })
  await once(child.stdout, 'data')
  return {
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null) return
      child.stdin.end()
      await once(child, 'exit')
    },
  }
}
